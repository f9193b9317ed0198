// SPDX-License-Identifier: Apache-2.0
import type { FleetInstant } from '@outrider/domain/kernel/time';

/** Who is due when: a binary heap, so that a step in which nobody is due costs one comparison. */
export interface DueQueue<T> {
  readonly size: number;
  /** The earliest instant anyone is due, or undefined when nobody is queued. */
  nextAt(): FleetInstant | undefined;
  push(item: T, at: FleetInstant): void;
  /** Takes out all that are due at `now`, earliest first; equal instants in the order they were pushed. */
  takeDue(now: FleetInstant): readonly T[];
}

export function dueQueue<T>(): DueQueue<T> {
  const heap: Entry<T>[] = [];
  let pushed = 0;
  return {
    get size() {
      return heap.length;
    },
    nextAt: () => heap[0]?.at,
    push(item, at) {
      heap.push({ item, at, order: pushed++ });
      siftUp(heap, heap.length - 1);
    },
    takeDue(now) {
      const due: T[] = [];
      for (let first = heap[0]; first !== undefined && first.at <= now; first = heap[0]) {
        due.push(first.item);
        removeFirst(heap);
      }
      return due;
    },
  };
}

interface Entry<T> {
  readonly item: T;
  readonly at: FleetInstant;
  readonly order: number;
}

function isBefore<T>(a: Entry<T>, b: Entry<T>): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

function removeFirst<T>(heap: Entry<T>[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  heap[0] = last;
  siftDown(heap, 0);
}

function siftUp<T>(heap: Entry<T>[], start: number): void {
  for (let index = start; index > 0; ) {
    const parent = (index - 1) >> 1;
    if (!swapIfBefore(heap, index, parent)) return;
    index = parent;
  }
}

function siftDown<T>(heap: Entry<T>[], start: number): void {
  for (let index = start; ; ) {
    const left = 2 * index + 1;
    const [first, second] = [heap[left], heap[left + 1]];
    if (first === undefined) return;
    const child = second !== undefined && isBefore(second, first) ? left + 1 : left;
    if (!swapIfBefore(heap, child, index)) return;
    index = child;
  }
}

/** Puts the entry at `index` in the place of `other` if it is due before it. */
function swapIfBefore<T>(heap: Entry<T>[], index: number, other: number): boolean {
  const [one, two] = [heap[index], heap[other]];
  if (one === undefined || two === undefined || !isBefore(one, two)) return false;
  heap[index] = two;
  heap[other] = one;
  return true;
}

// SPDX-License-Identifier: Apache-2.0
import { afterThisRound, afterThisTurn } from '@outrider/adapters/shared/delay';
import type { MachineClock } from '@outrider/domain/kernel/clock';
import { exponential, type Prng } from '@outrider/domain/kernel/prng';
import { type MachineInstant, machineInstant } from '@outrider/domain/kernel/time';

/**
 * The order of everything that could happen at once. Whoever would wait for the world (a store, a network, a timer) waits
 * for a turn instead; turns come one at a time, in the order of a simulated machine time whose delays are drawn from the
 * seed, and the next comes only when all that followed from the last one rests. So the same seed gives the same
 * interleaving, and another seed another one.
 */
export interface Turns {
  /** Simulated machine time: stands still during a turn. */
  readonly clock: MachineClock;
  /** Comes back `delayMs` of machine time later. */
  wait(delayMs: number): Promise<void>;
  /** Comes back after a delay drawn from the seed: exponential with this mean. */
  waitAbout(meanMs: number): Promise<void>;
  /**
   * Runs work that leaves the simulated world (threads of zlib) and holds all others back until it is done: how long it
   * really takes must not decide about any order. The work must not wait for a turn itself.
   */
  alone<T>(work: () => Promise<T>): Promise<T>;
  /** Sets machine time forward while nobody waits for it, as after a pause in which nothing was due. */
  jump(byMs: number): void;
  /** Resolves when nobody waits for a turn any more. */
  rest(): Promise<void>;
  /** Turns taken so far. */
  taken(): number;
}

/** Starts machine time at zero; `source` is used up by the delays. */
export function createTurns(source: Prng): Turns {
  const heap: Waiting[] = [];
  const resting: (() => void)[] = [];
  let nowMs = 0;
  let count = 0;
  let order = 0;
  let outside: Promise<unknown> | undefined;
  let isRunning = false;

  function start(): void {
    if (isRunning) return;
    isRunning = true;
    afterThisTurn(next);
  }

  /** One turn. Before the next, all promises that it settled have been dealt with. */
  function next(): void {
    if (outside !== undefined) {
      const ended = outside;
      void ended.finally(() => {
        if (outside === ended) outside = undefined;
        afterThisTurn(next);
      });
      return;
    }
    const first = takeFirst(heap);
    if (first === undefined) {
      isRunning = false;
      for (const wake of resting.splice(0)) wake();
      return;
    }
    nowMs = Math.max(nowMs, first.atMs);
    count++;
    first.resume();
    if (count % TURNS_OF_ROUND === 0) afterThisRound(next);
    else afterThisTurn(next);
  }

  function wait(delayMs: number): Promise<void> {
    return new Promise((resume) => {
      insert(heap, { atMs: nowMs + delayMs, order: order++, resume });
      start();
    });
  }

  return {
    clock: { now: (): MachineInstant => machineInstant(nowMs) },
    wait,
    waitAbout: (meanMs) => wait(exponential(source, meanMs)),
    async alone(work) {
      await wait(0);
      const running = work();
      outside = running.catch(() => undefined);
      return running;
    },
    jump(byMs) {
      nowMs += byMs;
    },
    rest() {
      return new Promise((resolve) => {
        resting.push(resolve);
        start();
      });
    },
    taken: () => count,
  };
}

/** After so many turns whatever is outside of the simulated world gets a chance: a thread that wants to be told to stop. */
const TURNS_OF_ROUND = 1_000;

interface Waiting {
  readonly atMs: number;
  readonly order: number;
  readonly resume: () => void;
}

function isBefore(a: Waiting, b: Waiting): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

/** A binary heap: thousands may wait at once. */
function insert(heap: Waiting[], entry: Waiting): void {
  let index = heap.length;
  heap.push(entry);
  while (index > 0) {
    const parentIndex = (index - 1) >> 1;
    const parent = heap[parentIndex];
    if (parent === undefined || !isBefore(entry, parent)) break;
    heap[index] = parent;
    index = parentIndex;
  }
  heap[index] = entry;
}

function takeFirst(heap: Waiting[]): Waiting | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (first === undefined || last === undefined || heap.length === 0) return first;
  let index = 0;
  for (;;) {
    const left = 2 * index + 1;
    const [one, two] = [heap[left], heap[left + 1]];
    if (one === undefined) break;
    const [child, childIndex] = two !== undefined && isBefore(two, one) ? [two, left + 1] : [one, left];
    if (!isBefore(child, last)) break;
    heap[index] = child;
    index = childIndex;
  }
  heap[index] = last;
  return first;
}

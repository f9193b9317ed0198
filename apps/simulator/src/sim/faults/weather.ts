// SPDX-License-Identifier: Apache-2.0
import { prng } from '@outrider/domain/kernel/prng';
import type { Fault, FaultKind } from './fault.ts';

/** The faults of a run, step by step. */
export interface Weather {
  /** Enters the next step, at this machine time. */
  enter(step: number, atMs: number): void;
  readonly step: number;
  /** Machine time at which the step was entered. */
  readonly enteredAtMs: number;
  /** Faults of a kind that last in this step. */
  active<Kind extends FaultKind>(kind: Kind): readonly FaultOf<Kind>[];
  /** Of them, those that begin in this step. */
  beginning<Kind extends FaultKind>(kind: Kind): readonly FaultOf<Kind>[];
  /** Faults of a kind of one device, of all steps, by their beginning. */
  ofDevice<Kind extends DeviceFaultKind>(kind: Kind, device: number): readonly FaultOf<Kind>[];
  /** Rushes of all steps that a device is part of. */
  rushesOf(device: number): readonly FaultOf<'rush'>[];
  /** A number in [0, 1) for a question about a fault: the same whatever else happens in the run. */
  chance(fault: Fault, question: string): number;
  /** Nothing goes wrong at present. */
  isCalm(): boolean;
  /** From now on nothing goes wrong any more. */
  clear(): void;
}

export type FaultOf<Kind extends FaultKind> = Extract<Fault, { readonly kind: Kind }>;
type DeviceFaultKind = 'cut' | 'clock' | 'full-disk';

export function createWeather(seed: string, faults: readonly Fault[]): Weather {
  const waiting = [...faults].sort((a, b) => a.fromStep - b.fromStep || a.id - b.id);
  const deviceFaults = faultsByDevice(waiting);
  const rushes = waiting.filter((fault) => fault.kind === 'rush');
  let lasting: readonly Fault[] = [];
  let isClear = false;
  let current = 0;
  let enteredAtMs = 0;
  // Nearly all questions are about kinds of which nothing is active: they cost a look into a small map.
  let byKind = new Map<FaultKind, Fault[]>();

  function regroup(): void {
    byKind = new Map();
    for (const fault of lasting) {
      const others = byKind.get(fault.kind);
      if (others === undefined) byKind.set(fault.kind, [fault]);
      else others.push(fault);
    }
  }

  function active<Kind extends FaultKind>(kind: Kind): readonly FaultOf<Kind>[] {
    // Grouped by their kind above.
    return (byKind.size === 0 ? NONE : (byKind.get(kind) ?? NONE)) as readonly FaultOf<Kind>[];
  }

  function chance(fault: Fault, question: string): number {
    return prng(`${seed}/fault/${fault.id}/${question}`).next();
  }

  return {
    enter(step, atMs) {
      current = step;
      enteredAtMs = atMs;
      const kept = lasting.filter((fault) => step < fault.fromStep + fault.steps);
      const begun: Fault[] = [];
      while (waiting[0] !== undefined && waiting[0].fromStep <= step) {
        const fault = waiting.shift();
        if (fault !== undefined && step < fault.fromStep + fault.steps) begun.push(fault);
      }
      if (begun.length === 0 && kept.length === lasting.length) return;
      lasting = isClear ? [] : [...kept, ...begun];
      regroup();
    },
    get step() {
      return current;
    },
    get enteredAtMs() {
      return enteredAtMs;
    },
    active,
    beginning: (kind) => active(kind).filter((fault) => fault.fromStep === current),
    // Grouped by kind and device below.
    ofDevice: <Kind extends DeviceFaultKind>(kind: Kind, device: number) =>
      isClear || deviceFaults.size === 0 ? [] : ((deviceFaults.get(`${kind} ${device}`) ?? []) as FaultOf<Kind>[]),
    rushesOf: (device) => rushes.filter((fault) => chance(fault, `device/${device}`) * 1_000 < fault.sharePermille),
    chance,
    isCalm: () => lasting.length === 0,
    clear() {
      isClear = true;
      lasting = [];
      regroup();
    },
  };
}

const NONE: readonly Fault[] = [];

function faultsByDevice(faults: readonly Fault[]): ReadonlyMap<string, readonly Fault[]> {
  const groups = new Map<string, Fault[]>();
  for (const fault of faults) {
    if (!('device' in fault)) continue;
    const key = `${fault.kind} ${fault.device}`;
    groups.set(key, [...(groups.get(key) ?? []), fault]);
  }
  return groups;
}

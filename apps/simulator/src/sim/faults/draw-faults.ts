// SPDX-License-Identifier: Apache-2.0
import { below, exponential, type Prng, prng } from '@outrider/domain/kernel/prng';
import { type Fault, type FaultKind, PAUSE_SCOPES, type Window } from './fault.ts';
import { FAULT_KINDS, FAULT_RATES, type FaultProfile } from './profile.ts';

/** What a plan of faults is drawn for. */
export interface FaultedRun {
  readonly seed: string;
  readonly profile: FaultProfile;
  readonly deviceCount: number;
  readonly gatewayCount: number;
  readonly steps: number;
}

/** Steps of ten minutes in a fleet day. */
export const STEPS_PER_DAY = 144;

/** Draws all faults of a run, in the order in which they begin. The same run draws the same faults. */
export function drawFaults(run: FaultedRun): readonly Fault[] {
  let id = 0;
  const faults = FAULT_KINDS.flatMap((kind) => {
    const source = prng(`${run.seed}/faults/${kind}`);
    return startsOf(kind, run, source).flatMap((fromStep) => {
      const steps = 1 + Math.min(STEPS_MAX, Math.floor(exponential(source, STEPS_MEAN)));
      const fault = drawFault(kind, { id: id++, fromStep, steps }, { run, source });
      // Whoever pauses does so when much is going on.
      if (kind !== 'pause' || source.next() >= RUSH_SHARE) return [fault];
      const waited = Math.min(fromStep, waitedSteps(source));
      const before = { id: id++, fromStep: fromStep - waited, steps: Math.max(1, waited) };
      return [fault, { kind: 'rush' as const, ...before, sharePermille: sharePermille(source) }];
    });
  });
  return faults.sort((a, b) => a.fromStep - b.fromStep || a.id - b.id);
}

/** Most faults pass within the hour; few last half a day. */
const STEPS_MEAN = 4;
const STEPS_MAX = 72;
/** Moments within a step, in machine time: most of a step's traffic lies in its first second. */
const MOMENT_MEAN_MS = 400;
/** Pauses that come in the midst of a rush. */
const RUSH_SHARE = 0.7;
/** Writes of one update of a device, and a few more. */
const WRITES_MAX = 60;
/** Before a rush: half a day. */
const WAITED_STEPS_MEAN = 72;
const HOUR_MS = 3_600_000;

/** A Poisson process: the times between two faults are exponential. */
function startsOf(kind: FaultKind, { profile, deviceCount, steps }: FaultedRun, source: Prng): readonly number[] {
  const ratePerDay = profile[kind] * (FAULT_RATES[kind].isOfDevice ? deviceCount / 100 : 1);
  if (ratePerDay <= 0) return [];
  const starts: number[] = [];
  for (let at = exponential(source, STEPS_PER_DAY / ratePerDay); at < steps; ) {
    starts.push(Math.floor(at));
    at += exponential(source, STEPS_PER_DAY / ratePerDay);
  }
  return starts;
}

function drawFault(
  kind: FaultKind,
  window: Window,
  { run, source }: { readonly run: FaultedRun; readonly source: Prng },
): Fault {
  switch (kind) {
    case 'loss':
    case 'delay':
    case 'duplicate':
    case 'reorder':
      return { kind, ...window, sharePermille: sharePermille(source), ratePermille: sharePermille(source) };
    case 'rush':
      return { kind, ...window, steps: waitedSteps(source), sharePermille: sharePermille(source) };
    case 'partition':
      return { kind, ...window, sharePermille: sharePermille(source) };
    case 'isolation':
      return { kind, ...window, gateway: below(source, run.gatewayCount) };
    case 'cut':
      return { kind, ...window, device: below(source, run.deviceCount), write: below(source, WRITES_MAX) };
    case 'clock':
      return {
        kind,
        ...window,
        device: below(source, run.deviceCount),
        is1970: source.next() < 0.3,
        offsetMs: eitherWay(source, 12 * HOUR_MS),
        driftPpm: eitherWay(source, 1_000),
      };
    case 'full-disk':
      return { kind, ...window, device: below(source, run.deviceCount) };
    case 'kill':
      return { kind, ...window, gateway: below(source, run.gatewayCount), afterMs: momentMs(source) };
    case 'store-away':
      return { kind, ...window, afterMs: momentMs(source) };
    case 'slow-store':
      return { kind, ...window };
    case 'pause':
      return {
        kind,
        ...window,
        scope: PAUSE_SCOPES[below(source, PAUSE_SCOPES.length)] ?? 'global',
        afterMs: momentMs(source),
        isIncludingRollback: source.next() < 0.3,
      };
  }
}

/** Long enough that many have come to wait. */
function waitedSteps(source: Prng): number {
  return 1 + Math.floor(exponential(source, WAITED_STEPS_MEAN));
}

/** A whole number, positive or negative; zero has one sign. */
function eitherWay(source: Prng, mean: number): number {
  return Math.round((source.next() < 0.5 ? -1 : 1) * exponential(source, mean)) + 0;
}

function momentMs(source: Prng): number {
  return Math.floor(exponential(source, MOMENT_MEAN_MS));
}

/** From a few to all, in permille: squared, so that both small and large shares are common. */
function sharePermille(source: Prng): number {
  return 1 + Math.floor(999 * source.next() ** 0.5);
}

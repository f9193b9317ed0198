// SPDX-License-Identifier: Apache-2.0
import { lnEAa, lnEBase, lnECoin, type Stratum } from '@outrider/domain/decision/e-process';
import { below, prng } from '@outrider/domain/kernel/prng';

/** Streams of events drawn exactly at the edge of what a test tolerates, each looked at after every event. */
export interface NullStreams {
  readonly seed: string;
  readonly streams: number;
  /** Crossing ln(1 / alpha) at any time counts. */
  readonly alpha: number;
  readonly steps: number;
}

/** Share of streams of permits at the base rate itself whose evidence ever crosses; reports come `delaySteps` later. */
export function baseCrossingRate(
  given: NullStreams & { readonly baseRate: number; readonly delaySteps: number },
): number {
  const { steps, baseRate, delaySteps } = given;
  const source = prng(given.seed);
  return crossingRate(given, (isOver) => {
    const reported = new Uint8Array(steps + delaySteps + 1);
    let events = 0;
    for (let open = 1; open <= steps; open++) {
      if (source.next() < baseRate) {
        const lag = Math.floor(source.next() * (delaySteps + 1));
        reported[open + lag] = (reported[open + lag] ?? 0) + 1;
      }
      const heard = reported[open] ?? 0;
      events += heard;
      // Between events ln E only falls, so a look after each event sees every crossing.
      if (heard > 0 && isOver(lnEBase({ baseRate, open, events }))) return true;
    }
    return false;
  });
}

/**
 * Share of streams of events at the tolerated odds, over strata of changing effective pi, whose evidence ever crosses. Each
 * event is heard of up to `delaySteps` later, in either arm, so that events come in another order than they happened.
 */
export function coinCrossingRate(
  given: NullStreams & { readonly tolerance: number; readonly delaySteps: number },
): number {
  const { tolerance, delaySteps } = given;
  return armsCrossingRate(given, {
    odds: tolerance,
    delaySteps,
    lnEOf: (strata) => lnECoin({ tolerance, strata }),
  });
}

/** Share of streams of events as the coin draws them that raise the A/A alarm; `odds` other than 1: a broken coin. */
export function aaCrossingRate(given: NullStreams & { readonly odds: number }): number {
  return armsCrossingRate(given, { odds: given.odds, delaySteps: 0, lnEOf: lnEAa });
}

/** Events until the A/A monitor alarms, one number for each stream that did so within `steps`; at one pi and a coin with these odds. */
export function aaEventsToAlarm(
  given: NullStreams & { readonly odds: number; readonly pi: number },
): readonly number[] {
  const { steps, odds, pi } = given;
  const source = prng(given.seed);
  const threshold = Math.log(1 / given.alpha);
  const share = (odds * pi) / (odds * pi + 1 - pi);
  const alarms: number[] = [];
  for (let stream = 0; stream < given.streams; stream++) {
    const stratum = { pi, eventsTreated: 0, eventsControl: 0 };
    for (let event = 1; event <= steps; event++) {
      stratum[source.next() < share ? 'eventsTreated' : 'eventsControl'] += 1;
      // Looked at every tenth event: the figure is about thousands of them.
      if (event % LOOK_EVERY !== 0 || lnEAa([stratum]) < threshold) continue;
      alarms.push(event);
      break;
    }
  }
  return alarms;
}

const LOOK_EVERY = 10;

/** Effective pi of the strata a rollout goes through: first enrolments, and controls enrolled anew. */
const PIS = [0.2, 0.375, 0.5, 0.818181818181818, 10 / 11] as const;

interface Arms {
  /** Of an event in the treated arm, to what the coin would make of it. */
  readonly odds: number;
  readonly delaySteps: number;
  readonly lnEOf: (strata: readonly Stratum[]) => number;
}

function armsCrossingRate(given: NullStreams, { odds, delaySteps, lnEOf }: Arms): number {
  const source = prng(given.seed);
  const { steps } = given;
  return crossingRate(given, (isOver) => {
    const strata = PIS.map((pi) => ({ pi, eventsTreated: 0, eventsControl: 0 }));
    const reports = Array.from({ length: steps }, (_, step) => {
      // The strata follow each other, with some overlap, as pi rises in a rollout.
      const position = Math.min(PIS.length - 1, Math.floor((step / steps) * PIS.length + source.next()));
      const pi = PIS[position] ?? 1;
      const isTreated = source.next() < (odds * pi) / (odds * pi + 1 - pi);
      return { position, isTreated, heardAt: step + below(source, delaySteps + 1) };
    });
    if (delaySteps > 0) reports.sort((a, b) => a.heardAt - b.heardAt);
    return reports.some(({ position, isTreated }) => {
      const stratum = strata[position];
      if (stratum === undefined) return false;
      stratum[isTreated ? 'eventsTreated' : 'eventsControl'] += 1;
      return isOver(lnEOf(strata));
    });
  });
}

function crossingRate(given: NullStreams, isCrossing: (isOver: (lnE: number) => boolean) => boolean): number {
  const threshold = Math.log(1 / given.alpha);
  let crossings = 0;
  for (let stream = 0; stream < given.streams; stream++) crossings += isCrossing((lnE) => lnE >= threshold) ? 1 : 0;
  return crossings / given.streams;
}

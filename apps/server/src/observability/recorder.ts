// SPDX-License-Identifier: Apache-2.0
import type { MachineClock } from '@outrider/domain/kernel/clock';
import { durationMs, elapsedMs, type MachineInstant } from '@outrider/domain/kernel/time';
import { type Counters, type CounterValues, createCounters } from '../gateway/counters.ts';
import type { Schedule } from '../ports.ts';
import {
  createDistribution,
  type Distribution,
  type DistributionReading,
  quantileOf,
  readingBetween,
  totalOf,
} from './distribution.ts';

/**
 * What this process counts and times while it answers: kept in memory, read by the metrics, by the overview and by
 * `GET /status`. It costs a request some hundred nanoseconds and no allocation that lives.
 */
export interface Recorder {
  readonly counters: Counters;
  readonly timings: Readonly<Record<Timing, Distribution>>;
  /** Milliseconds of machine time since this moment, to be called once the work is done. */
  now(): MachineInstant;
  /** Takes a sample of everything each second from now on; answers with the way to end it. */
  start(): () => void;
  /** Per second over the last ten seconds, of these counters; zero before two samples. */
  perSecond(family: keyof CounterValues, isCounted: (code: string) => boolean): number;
  /** Quantiles of the last minute. */
  recent(timing: Timing): { readonly count: number; readonly p50Ms?: number; readonly p99Ms?: number };
  /** Since the recorder was made. */
  upMs(): number;
}

/** What is timed, or sized: in milliseconds, but for batches, which are counted in rows. */
export type Timing = keyof typeof TIMING_BOUNDS;

/** From a tenth of a millisecond, an answer from memory, to the ten seconds after which a store is away. */
const LATENCY_BOUNDS_MS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000];
/** A batch has 500 rows at most. */
const BATCH_BOUNDS = [1, 2, 5, 10, 20, 50, 100, 200, 500];
/** A round over all rollouts; a delta of a large image takes minutes. */
const WORK_BOUNDS_MS = [10, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000, 1_800_000];

/** Each with the bounds of its buckets: enough to see a change by a factor of two, few enough to be kept for months. */
export const TIMING_BOUNDS = {
  request: LATENCY_BOUNDS_MS,
  permit: LATENCY_BOUNDS_MS,
  'permit-commit': LATENCY_BOUNDS_MS,
  'permit-batch': BATCH_BOUNDS,
  'report-commit': LATENCY_BOUNDS_MS,
  'report-batch': BATCH_BOUNDS,
  tick: WORK_BOUNDS_MS,
  delta: WORK_BOUNDS_MS,
  /** From the instant of an entry of the policy log, by the clock of its writer, to when it is in force here. */
  propagation: LATENCY_BOUNDS_MS,
} as const satisfies Readonly<Record<string, readonly number[]>>;

interface Sample {
  readonly at: MachineInstant;
  readonly counters: CounterValues;
  readonly timings: ReadonlyMap<Timing, DistributionReading>;
}

const SAMPLE_EVERY_MS = durationMs(1_000);
/** A minute of samples: about 60 KB. */
const SAMPLES_KEPT = 60;
const RATE_SAMPLES = 10;

export function createRecorder(machineClock: MachineClock, schedule: Schedule): Recorder {
  const counters = createCounters();
  const began = machineClock.now();
  const timings: Recorder['timings'] = {
    request: createDistribution(TIMING_BOUNDS.request),
    permit: createDistribution(TIMING_BOUNDS.permit),
    'permit-commit': createDistribution(TIMING_BOUNDS['permit-commit']),
    'permit-batch': createDistribution(TIMING_BOUNDS['permit-batch']),
    'report-commit': createDistribution(TIMING_BOUNDS['report-commit']),
    'report-batch': createDistribution(TIMING_BOUNDS['report-batch']),
    tick: createDistribution(TIMING_BOUNDS.tick),
    delta: createDistribution(TIMING_BOUNDS.delta),
    propagation: createDistribution(TIMING_BOUNDS.propagation),
  };
  const samples: Sample[] = [];

  function sample(): void {
    const readings = RECENT_TIMINGS.map((timing) => [timing, timings[timing].read()] as const);
    samples.push({ at: machineClock.now(), counters: counters.read(), timings: new Map(readings) });
    if (samples.length > SAMPLES_KEPT) samples.shift();
  }

  return {
    counters,
    timings,
    now: () => machineClock.now(),
    start() {
      let isEnded = false;
      let cancel = schedule.after(SAMPLE_EVERY_MS, again);
      sample();
      function again(): void {
        sample();
        if (!isEnded) cancel = schedule.after(SAMPLE_EVERY_MS, again);
      }
      return () => {
        isEnded = true;
        cancel();
      };
    },
    perSecond(family, isCounted) {
      const [first, last] = [samples.at(-RATE_SAMPLES) ?? samples[0], samples.at(-1)];
      if (first === undefined || last === undefined || first === last) return 0;
      const counted = (one: Sample) =>
        Object.entries(one.counters[family] ?? {}).reduce((sum, [code, n]) => sum + (isCounted(code) ? n : 0), 0);
      return ((counted(last) - counted(first)) * 1_000) / elapsedMs(first.at, last.at);
    },
    recent(timing) {
      const between = readingBetween(samples[0]?.timings.get(timing), timings[timing].read());
      const [p50Ms, p99Ms] = [0.5, 0.99].map((share) => quantileOf(TIMING_BOUNDS[timing], between, share));
      return {
        count: totalOf(between),
        ...(p50Ms === undefined ? {} : { p50Ms }),
        ...(p99Ms === undefined ? {} : { p99Ms }),
      };
    },
    upMs: () => elapsedMs(began, machineClock.now()),
  };
}

/** Those that the overview shows over the last minute. */
const RECENT_TIMINGS = ['request', 'permit'] as const satisfies readonly Timing[];

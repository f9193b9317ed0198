// SPDX-License-Identifier: Apache-2.0
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { decide } from '@outrider/domain/decision/decide';
import type { DecisionInput } from '@outrider/domain/decision/decision';
import type { CoinMetric, Evidence } from '@outrider/domain/evidence/evidence';
import type { SegmentId } from '@outrider/domain/kernel/ids';
import { below, type Prng, prng } from '@outrider/domain/kernel/prng';
import { fleetInstant } from '@outrider/domain/kernel/time';
import type { RolloutPlan } from '@outrider/domain/policy/rollout';
import { planOf } from '../scenarios/decision/plan.ts';
import type { Figure, MeasureOptions } from './figures.ts';

export const name = 'decision';

/** One tick of the rule over 10,000 keys of metric and segment, every one of them with news. */
export async function run({ seed }: MeasureOptions): Promise<readonly Figure[]> {
  const plan = { ...planOf('bench'), onSegmentHalt: 'exclude-segment' } as const;
  const input = inputOf(plan, prng(seed));
  const keys = plan.gates.metrics.length * input.exposure.segments.length;
  const walls: number[] = [];
  const cores: number[] = [];
  for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round++) {
    const [before, spent] = [performance.now(), process.threadCpuUsage()];
    decide(plan, input);
    const { user, system } = process.threadCpuUsage(spent);
    if (round < WARM_UP_ROUNDS) continue;
    walls.push(performance.now() - before);
    cores.push((user + system) / 1_000);
  }
  return [
    {
      figure: 'keys of metric and segment in a tick',
      value: keys,
      unit: 'keys',
      goal: '>= 10000 keys',
      holds: keys >= 10_000,
    },
    figure('time of one core for a tick, median', shareOf(cores, 0.5)),
    figure('time of one core for a tick, 95th percentile', shareOf(cores, 0.95)),
    // Beside other work a tick waits for its core: this says how long, and decides nothing.
    {
      figure: 'time on the clock for a tick, median',
      value: shareOf(walls, 0.5),
      unit: 'ms',
      goal: 'none',
      holds: true,
    },
  ];
}

const SEGMENTS = 1429;
const WARM_UP_ROUNDS = 5;
const ROUNDS = 40;
const MILLIS_MAX = 50;
const PIS = [0.2, 0.375, 0.5, 10 / 11];

function shareOf(times: readonly number[], share: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
}

function figure(what: string, value: number): Figure {
  return { figure: what, value, unit: 'ms', goal: `< ${MILLIS_MAX} ms`, holds: value < MILLIS_MAX };
}

/** A rollout in its middle: each segment with thousands of permits, all strata in use, no threshold reached. */
function inputOf(plan: RolloutPlan, source: Prng): DecisionInput {
  const segments = Array.from({ length: SEGMENTS }, (_, index) => `segment-${index}` as SegmentId);
  const now = fleetInstant(1_000_000_000);
  const metrics = plan.gates.metrics.flatMap((gate) => (gate.kind === 'coin' ? [gate.metric] : []));
  const evidence: Evidence = {
    rolloutId: plan.rolloutId,
    asOf: now,
    base: segments.flatMap((segment) => [
      { metric: 'revert', segment, open: 4000, closed: 3900, events: below(source, 3), confirmed: 3890 },
      { metric: 'install', segment, open: 4000, closed: 3900, events: below(source, 20), confirmed: 3890 },
    ]),
    coin: segments.flatMap((segment) =>
      metrics.flatMap((metric) => PIS.map((pi) => coinOf({ metric, segment, pi }, source))),
    ),
    closed: segments.flatMap((segment) =>
      metrics.flatMap((metric) => [
        { metric, segment, arm: 'treated' as const, closed: 3000, events: below(source, 60) },
        { metric, segment, arm: 'control' as const, closed: 3000, events: below(source, 60) },
      ]),
    ),
    enrolments: segments.map((segment) => ({ segment, pi: 0.5, treated: 4000, control: 4000 })),
    recent: [],
    lastEnrolledAt: now,
  };
  return {
    evidence,
    now,
    exposure: {
      rolloutId: plan.rolloutId,
      waveIndex: plan.waves.length - 1,
      waveStartedAt: now,
      pi: 0.5,
      cap: 5_000_000,
      granted: 4_000_000,
      segments: segments.map((segment) => ({ segment, population: 40_000, cap: 5000, granted: 4000 })),
      downloadsAllowed: 40_000_000,
      isComplete: false,
    },
  };
}

function coinOf(key: { readonly metric: CoinMetric; readonly segment: SegmentId; readonly pi: number }, source: Prng) {
  const events = below(source, 20);
  const eventsTreated = Math.round(events * key.pi);
  const eventsControl = events - eventsTreated;
  return { ...key, eventsTreated, eventsControl, eventsControlFirstHalf: Math.floor(eventsControl / 2) };
}

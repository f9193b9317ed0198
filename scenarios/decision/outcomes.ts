// SPDX-License-Identifier: Apache-2.0
import type { CoinMetric, EvidenceEvent } from '@outrider/domain/evidence/evidence';
import type { Arm } from '@outrider/domain/gateway/ledger';
import { binomial } from '@outrider/domain/kernel/binomial';
import type { SegmentId } from '@outrider/domain/kernel/ids';
import type { Prng } from '@outrider/domain/kernel/prng';
import { scatter } from '@outrider/domain/kernel/scatter';
import { type FleetInstant, fleetInstant, HOUR_MS, MINUTE_MS } from '@outrider/domain/kernel/time';
import type { Pool } from './fleet.ts';
import { chancesAt, hasDefect, STEP_MINUTES, STEPS_PER_HOUR, type Weather } from './weather.ts';
import type { World } from './world.ts';

/** What the enrolled devices of a fleet will report, and when, as numbers by step; and the harm that is already done. */
export interface Outcomes {
  readonly world: World;
  readonly weather: Weather;
  readonly source: Prng;
  readonly segments: readonly SegmentId[];
  /** By step, segment and kind of end. */
  readonly ends: Float64Array;
  readonly coins: readonly CoinQueue[];
  /** Devices with the defect, counted when they were permitted: whatever they have not shown yet, they will. */
  harmed: number;
  /** Devices that reported a confirmed boot. */
  confirmed: number;
}

/** Outcomes of one metric that both arms can show. */
interface CoinQueue {
  readonly metric: CoinMetric;
  readonly windowSteps: number;
  /** By step, segment, arm and stratum: events, when they become known. */
  readonly events: Float64Array;
  /** By step, segment and arm: windows that close without and with an event. */
  readonly closing: Float64Array;
}

/** Devices of one pool that were enrolled together. */
export interface Cohort {
  readonly pool: Pool;
  readonly step: number;
  /** Below `STRATA_MAX`; what it stands for, the caller knows. */
  readonly stratum: number;
  /** Effective probability of the treated arm. */
  readonly pi: number;
  readonly treated: number;
  readonly control: number;
}

export function createOutcomes(
  world: World,
  run: { readonly weather: Weather; readonly source: Prng; readonly segments: readonly SegmentId[] },
): Outcomes {
  const segments = world.segmentShares.length;
  return {
    ...run,
    world,
    ends: new Float64Array(END_STEPS * segments * END_KINDS.length),
    coins: COIN_METRICS.map(({ metric, windowHours }) => {
      const windowSteps = windowHours * STEPS_PER_HOUR;
      return {
        metric,
        windowSteps,
        events: new Float64Array((windowSteps + 1) * segments * 2 * STRATA_MAX),
        closing: new Float64Array((windowSteps + 1) * segments * 2 * 2),
      };
    }),
    harmed: 0,
    confirmed: 0,
  };
}

/** Draws everything that will come of a cohort, in both arms. */
export function enrolCohort(outcomes: Outcomes, cohort: Cohort): void {
  if (cohort.treated > 0) drawTreated(outcomes, cohort);
  if (cohort.control > 0) drawShared(outcomes, cohort, { arm: CONTROL, devices: cohort.control, bricked: 0 });
}

/** What the fleet reports in this step. Strata are named by the probability that `piOf` gives for their index. */
export function reportedIn(
  outcomes: Outcomes,
  at: { readonly step: number; readonly now: FleetInstant },
  piOf: readonly number[],
): readonly EvidenceEvent[] {
  const events: EvidenceEvent[] = [];
  reportEnds(outcomes, at, events);
  for (const coin of outcomes.coins) {
    reportCoinEvents(outcomes, { coin, step: at.step, piOf }, events);
    reportClosings(outcomes, { coin, step: at.step }, events);
  }
  return events;
}

/** Strata are pairs of origin and level; there is room for that many. */
export const STRATA_MAX = 16;

const COIN_METRICS: readonly { readonly metric: CoinMetric; readonly windowHours: number }[] = [
  { metric: 'silent24', windowHours: 24 },
  { metric: 'silent72', windowHours: 72 },
  { metric: 'silent168', windowHours: 168 },
  { metric: 'crash24', windowHours: 24 },
  { metric: 'sensor24', windowHours: 24 },
];
const [SILENT24, SILENT72, SILENT168, CRASH24, SENSOR24] = [0, 1, 2, 3, 4] as const;

const ARMS: readonly Arm[] = ['treated', 'control'];
const TREATED = 0;
const CONTROL = 1;

/** An end is heard of within the hour; a failed installation is tried again six hours later, and then succeeds. */
const END_KINDS = ['confirmed', 'reverted', 'install-failed', 'confirmed-later'] as const;
const [CONFIRMED, REVERTED, FAILED, CONFIRMED_LATER] = [0, 1, 2, 3] as const;
const RETRY_STEPS = 6 * STEPS_PER_HOUR;
/** A second try ends at most this long after its permit. */
const RETRY_MS = 7 * HOUR_MS;
const LATE_USE_STEPS = 48 * STEPS_PER_HOUR;
const END_STEPS = LATE_USE_STEPS + RETRY_STEPS + STEPS_PER_HOUR + 1;

function drawTreated(outcomes: Outcomes, cohort: Cohort): void {
  const { world, weather, source } = outcomes;
  const { step, pool, treated } = cohort;
  const chances = chancesAt(world, weather, { step, segment: pool.segment });
  const isDefective = hasDefect(world, pool.segment);
  const bricked = isDefective ? binomial(source, treated, world.defect?.silentAtOnce ?? 0) : 0;
  const alive = treated - bricked;
  const harmed = binomial(source, alive, chances.defectRevert);
  const reverted = harmed + binomial(source, alive - harmed, chances.revert);
  const failed = binomial(source, alive - reverted, chances.install);
  outcomes.harmed += bricked + harmed;
  queueEnds(outcomes, cohort, { kind: REVERTED, devices: reverted });
  queueEnds(outcomes, cohort, { kind: FAILED, devices: failed });
  queueEnds(outcomes, cohort, { kind: CONFIRMED_LATER, devices: failed });
  queueEnds(outcomes, cohort, { kind: CONFIRMED, devices: alive - reverted - failed });
  drawShared(outcomes, cohort, { arm: TREATED, devices: alive, bricked });
}

function queueEnds(
  outcomes: Outcomes,
  { step, pool }: Cohort,
  ends: { readonly kind: number; readonly devices: number },
): void {
  const { ends: queue, segments, source, world } = outcomes;
  const late = binomial(source, ends.devices, world.lateUseShare ?? 0);
  const extra = ends.kind === CONFIRMED_LATER ? RETRY_STEPS : 0;
  const put = (offset: number, devices: number): void => {
    const slot = (step + 1 + extra + offset) % END_STEPS;
    add(queue, (slot * segments.length + pool.segment) * END_KINDS.length + ends.kind, devices);
  };
  scatter(source, ends.devices - late, { bins: STEPS_PER_HOUR, put });
  scatter(source, late, { bins: LATE_USE_STEPS, put });
}

interface Share {
  readonly arm: number;
  /** Without the bricked ones, which are silent for good and do nothing else. */
  readonly devices: number;
  readonly bricked: number;
}

/** Silence, crashes and sensor faults: the same draws for both arms but for what the release adds. */
function drawShared(outcomes: Outcomes, cohort: Cohort, share: Share): void {
  const { world, weather, source } = outcomes;
  const { step, pool } = cohort;
  const isTreated = share.arm === TREATED;
  const defect = isTreated && hasDefect(world, pool.segment) ? world.defect : undefined;
  const factors = isTreated ? world.treatedFactors : undefined;
  const { silentFactor, faultFactor } = chancesAt(world, weather, { step, segment: pool.segment });
  // Who is silent in a later stretch is drawn among those silent in the one before: so the rates of the worlds are meant.
  const [day, threeDays, week] = world.contacts[pool.contact]?.silent ?? [0, 0, 0];
  const silent24 = binomial(source, share.devices, Math.min(1, day * silentFactor * (factors?.silent ?? 1)));
  const silent72 = binomial(source, silent24, threeDays / day);
  const silent168 = binomial(source, silent72, week / threeDays);
  const lost = binomial(source, share.devices - silent24, defect?.silentAfterDay ?? 0);
  const crashed = binomial(source, share.devices, faultFactor * world.rates.crash * (factors?.crash ?? 1));
  const harmed = binomial(source, share.devices - crashed, defect?.crash ?? 0);
  const faulty = binomial(source, share.devices, faultFactor * world.rates.sensor);
  outcomes.harmed += lost + harmed;
  queueSilence(outcomes, SILENT24, { cohort, share, events: silent24 + share.bricked });
  queueSilence(outcomes, SILENT72, { cohort, share, events: silent72 + lost + share.bricked });
  if (pool.isPanel) queueSilence(outcomes, SILENT168, { cohort, share, events: silent168 + lost + share.bricked });
  queueFaults(outcomes, CRASH24, { cohort, share, events: crashed + harmed });
  queueFaults(outcomes, SENSOR24, { cohort, share, events: faulty });
}

interface Drawn {
  readonly cohort: Cohort;
  readonly share: Share;
  readonly events: number;
}

/** Silence is known when the window closes. */
function queueSilence(outcomes: Outcomes, metric: number, drawn: Drawn): void {
  const coin = outcomes.coins[metric];
  if (coin === undefined) return;
  queueClosing(coin, drawn);
  queueEvents(coin, drawn, { offset: coin.windowSteps, devices: drawn.events });
}

/** Crashes and sensor faults are reported when they happen, at any time of the window. */
function queueFaults(outcomes: Outcomes, metric: number, drawn: Drawn): void {
  const coin = outcomes.coins[metric];
  if (coin === undefined) return;
  queueClosing(coin, drawn);
  scatter(outcomes.source, drawn.events, {
    bins: coin.windowSteps,
    put: (bin, devices) => queueEvents(coin, drawn, { offset: bin + 1, devices }),
  });
}

function queueClosing(coin: CoinQueue, { cohort, share, events }: Drawn): void {
  const slot = (cohort.step + coin.windowSteps) % (coin.windowSteps + 1);
  const segments = coin.closing.length / (coin.windowSteps + 1) / 4;
  const index = ((slot * segments + cohort.pool.segment) * 2 + share.arm) * 2;
  add(coin.closing, index, share.devices + share.bricked - events);
  add(coin.closing, index + 1, events);
}

function queueEvents(
  coin: CoinQueue,
  { cohort, share }: Drawn,
  known: { readonly offset: number; readonly devices: number },
): void {
  if (known.devices === 0 || cohort.pi >= 1) return;
  const slot = (cohort.step + known.offset) % (coin.windowSteps + 1);
  const segments = coin.events.length / (coin.windowSteps + 1) / 2 / STRATA_MAX;
  const index = ((slot * segments + cohort.pool.segment) * 2 + share.arm) * STRATA_MAX + cohort.stratum;
  add(coin.events, index, known.devices);
}

function reportEnds(
  outcomes: Outcomes,
  { step, now }: { readonly step: number; readonly now: FleetInstant },
  events: EvidenceEvent[],
): void {
  const { ends, segments, world } = outcomes;
  // Which of them were permitted before a restart of the `install` counts: after a pause of six hours only the late ones.
  const longestMs = world.lateUseShare === undefined ? 0 : LATE_USE_STEPS * STEP_MINUTES * MINUTE_MS;
  const slot = (step % END_STEPS) * segments.length * END_KINDS.length;
  for (const [position, segment] of segments.entries()) {
    for (const [kindIndex, kind] of END_KINDS.entries()) {
      const devices = take(ends, slot + position * END_KINDS.length + kindIndex);
      if (devices === 0) continue;
      const isLater = kind === 'confirmed-later';
      if (isLater || kind === 'confirmed') outcomes.confirmed += devices;
      const grantedAt = fleetInstant(Math.max(0, now - (isLater ? longestMs + RETRY_MS : longestMs)));
      const end = { segment, at: now, grantedAt, isFirstEnd: !isLater, wasConfirmed: false, devices };
      events.push({ ...end, kind: isLater ? 'confirmed' : kind });
    }
  }
}

function reportCoinEvents(
  { segments, source }: Outcomes,
  { coin, step, piOf }: { readonly coin: CoinQueue; readonly step: number; readonly piOf: readonly number[] },
  events: EvidenceEvent[],
): void {
  const slot = (step % (coin.windowSteps + 1)) * segments.length * 2 * STRATA_MAX;
  const { metric } = coin;
  for (const [position, segment] of segments.entries()) {
    for (const [armIndex, arm] of ARMS.entries()) {
      for (const [stratum, pi] of piOf.entries()) {
        const devices = take(coin.events, slot + (position * 2 + armIndex) * STRATA_MAX + stratum);
        if (devices === 0) continue;
        const firstHalf = arm === 'control' ? binomial(source, devices, 0.5) : 0;
        const event = { kind: 'coin-event', metric, segment, arm, pi } as const;
        if (firstHalf > 0) events.push({ ...event, isFirstHalf: true, devices: firstHalf });
        if (devices > firstHalf) events.push({ ...event, isFirstHalf: false, devices: devices - firstHalf });
      }
    }
  }
}

function reportClosings(
  { segments }: Outcomes,
  { coin, step }: { readonly coin: CoinQueue; readonly step: number },
  events: EvidenceEvent[],
): void {
  const slot = (step % (coin.windowSteps + 1)) * segments.length * 4;
  const { metric } = coin;
  for (const [position, segment] of segments.entries()) {
    for (const [armIndex, arm] of ARMS.entries()) {
      for (const hadEvent of [false, true]) {
        const devices = take(coin.closing, slot + (position * 2 + armIndex) * 2 + (hadEvent ? 1 : 0));
        if (devices > 0) events.push({ kind: 'window-closed', metric, segment, arm, hadEvent, devices });
      }
    }
  }
}

function add(counts: Float64Array, index: number, devices: number): void {
  counts[index] = (counts[index] ?? 0) + devices;
}

function take(counts: Float64Array, index: number): number {
  const devices = counts[index] ?? 0;
  if (devices !== 0) counts[index] = 0;
  return devices;
}

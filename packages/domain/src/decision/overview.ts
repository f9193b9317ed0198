// SPDX-License-Identifier: Apache-2.0
import type { BaseCount, Evidence } from '../evidence/evidence.ts';
import type { Arm } from '../gateway/ledger.ts';
import type { ReleaseId, RolloutId, SegmentId } from '../kernel/ids.ts';
import type { FleetInstant } from '../kernel/time.ts';
import { type Exposure, populationOf } from '../policy/exposure.ts';
import type { MetricName, Rollout, RolloutState } from '../policy/rollout.ts';
import type { Decision, MetricFigure, Verdict } from './decision.ts';
import { type OrdersOverview, ordersOf } from './overview-orders.ts';

/** One rollout at a glance: where it stands, how far it has come, and how near it is to being stopped. */
export interface RolloutOverview {
  readonly rolloutId: RolloutId;
  readonly releaseId: ReleaseId;
  readonly deviceType: string;
  readonly state: RolloutState;
  readonly stateSince: FleetInstant;
  /** Why it is in this state. */
  readonly reason: string;
  readonly funnel: Funnel;
  /** Absent before the start. */
  readonly exposure?: ExposureOverview;
  /** Those nearest to their cap first, at most `SEGMENTS_SHOWN_MAX`. */
  readonly segments: readonly SegmentOverview[];
  readonly segmentCount: number;
  /** Those nearest to their threshold first, at most `FIGURES_SHOWN_MAX`. */
  readonly figures: readonly EvidenceFigure[];
  readonly figureCount: number;
  /** Up to when the evidence is counted; absent before the first round. */
  readonly evidenceAsOf?: FleetInstant;
  readonly verdict?: VerdictNote;
  /** Absent: nobody has ordered or said anything. */
  readonly orders?: OrdersOverview;
}

/** How many devices have come how far. What follows after `mayDownload` is counted from ledger and reports. */
export interface Funnel {
  /** Eligible devices when the rollout started. */
  readonly population: number;
  /** Devices that the order has come to so far, both arms; of a ring those that have asked for their permit. */
  readonly mayDownload: number;
  /** Treated: permits granted, those included that no round has counted yet. */
  readonly permitted: number;
  /** Permitted, and no end has been heard of. */
  readonly underWay: number;
  /** Booted the new image and confirmed it, and still run it as far as is known. */
  readonly verified: number;
  readonly reverted: number;
  readonly installFailed: number;
  readonly arms: readonly ArmOverview[];
}

/** What both arms can show, within the first 24 h. */
export interface ArmOverview {
  readonly arm: Arm;
  readonly enrolled: number;
  readonly silent: number;
  readonly crashed: number;
  readonly sensorFaults: number;
}

/** How much is open, over the whole rollout. */
export interface ExposureOverview {
  readonly waveName: string;
  /** From one. */
  readonly waveNumber: number;
  readonly waveCount: number;
  readonly waveStartedAt: FleetInstant;
  readonly pi: number;
  readonly cap: number;
  readonly granted: number;
  readonly isComplete: boolean;
  /** Why nothing widens at the moment, if so. */
  readonly holdReason?: string;
}

/** How much is open in one segment, and what the rule says about it. */
export interface SegmentOverview {
  readonly segment: SegmentId;
  readonly population: number;
  readonly cap: number;
  readonly granted: number;
  readonly isHalted: boolean;
}

/** One metric against the threshold at which it acts; without a segment it is that of the whole rollout. */
export interface EvidenceFigure {
  readonly metric: MetricName;
  readonly segment?: SegmentId;
  readonly lnE: number;
  readonly threshold: number;
  readonly harmUpper: number;
}

/** What was decided when, without the figures. */
export interface VerdictNote {
  readonly rolloutId: RolloutId;
  readonly at: FleetInstant;
  readonly kind: Verdict['kind'];
  readonly reason: string;
}

/** Segments of one rollout in one overview: more fit on no screen, and a thousand would make each event megabytes. */
export const SEGMENTS_SHOWN_MAX = 32;
/** Figures of one rollout in one overview: the nearest to their thresholds are those that people look for. */
export const FIGURES_SHOWN_MAX = 48;

/** Everything that is known about a rollout, made short: counts are whole, lists are cut, the nearest to harm first. */
export function overviewOf(known: {
  readonly rollout: Rollout;
  readonly exposure?: Exposure;
  readonly evidence?: Evidence;
  readonly decision?: Decision;
}): RolloutOverview {
  const { rollout, exposure, evidence, decision } = known;
  const { rolloutId, releaseId, deviceType } = rollout.plan;
  const figures = decision?.figures ?? [];
  const orders = ordersOf(rollout);
  return {
    rolloutId,
    releaseId,
    deviceType,
    state: rollout.state,
    stateSince: rollout.stateSince,
    reason: rollout.reason,
    funnel: funnelOf(exposure, evidence),
    ...(exposure === undefined ? {} : { exposure: exposureOverview(rollout, exposure) }),
    segments: segmentsOf(rollout, exposure).slice(0, SEGMENTS_SHOWN_MAX),
    segmentCount: exposure?.segments.length ?? 0,
    figures: nearestFirst(figures).slice(0, FIGURES_SHOWN_MAX),
    figureCount: figures.length,
    ...(evidence === undefined ? {} : { evidenceAsOf: evidence.asOf }),
    ...(decision === undefined ? {} : { verdict: verdictNote(decision) }),
    ...(orders === undefined ? {} : { orders }),
  };
}

/** A decision without its figures. */
export function verdictNote({ rolloutId, at, overall }: Decision): VerdictNote {
  return { rolloutId, at, kind: overall.kind, reason: overall.reason };
}

function funnelOf(exposure: Exposure | undefined, evidence: Evidence | undefined): Funnel {
  const revert = totalOf(evidence, 'revert');
  const { events: installFailed } = totalOf(evidence, 'install');
  const arms = evidence === undefined ? [] : (['treated', 'control'] as const).map((arm) => armOverview(evidence, arm));
  const inControl = arms.find((one) => one.arm === 'control')?.enrolled ?? 0;
  // The store counts a permit as it gives it, the evidence with its next round.
  const permitted = Math.max(exposure?.granted ?? 0, revert.open);
  return {
    population: exposure === undefined ? 0 : populationOf(exposure),
    mayDownload: Math.max(exposure?.downloadsAllowed ?? 0, permitted + inControl),
    permitted,
    underWay: Math.max(0, permitted - revert.closed - installFailed),
    verified: revert.confirmed,
    reverted: revert.events,
    installFailed,
    arms,
  };
}

function totalOf(evidence: Evidence | undefined, metric: BaseCount['metric']) {
  const total = { open: 0, closed: 0, events: 0, confirmed: 0 };
  for (const one of evidence?.base ?? []) {
    if (one.metric !== metric) continue;
    total.open += one.open;
    total.closed += one.closed;
    total.events += one.events;
    total.confirmed += one.confirmed;
  }
  return total;
}

function armOverview({ closed, enrolments }: Evidence, arm: Arm): ArmOverview {
  const eventsOf = (metric: MetricName) =>
    closed.reduce((sum, one) => sum + (one.arm === arm && one.metric === metric ? one.events : 0), 0);
  return {
    arm,
    enrolled: enrolments.reduce((sum, one) => sum + one[arm], 0),
    silent: eventsOf('silent24'),
    crashed: eventsOf('crash24'),
    sensorFaults: eventsOf('sensor24'),
  };
}

function exposureOverview({ plan }: Rollout, exposure: Exposure): ExposureOverview {
  const { waveIndex, waveStartedAt, pi, cap, granted, isComplete, holdReason } = exposure;
  return {
    waveName: plan.waves[waveIndex]?.name ?? String(waveIndex + 1),
    waveNumber: waveIndex + 1,
    waveCount: plan.waves.length,
    waveStartedAt,
    pi,
    cap,
    granted,
    isComplete,
    ...(holdReason === undefined ? {} : { holdReason }),
  };
}

/** Halted ones first, then those whose cap is used up most; equal ones by name, so that lists stand still. */
function segmentsOf({ haltedSegments }: Rollout, exposure: Exposure | undefined): readonly SegmentOverview[] {
  const halted = new Set(haltedSegments);
  const used = ({ granted, cap }: SegmentOverview) => granted / Math.max(1, cap);
  return (exposure?.segments ?? [])
    .map((one) => ({ ...one, isHalted: halted.has(one.segment) }))
    .sort((a, b) => Number(b.isHalted) - Number(a.isHalted) || used(b) - used(a) || compareText(a.segment, b.segment));
}

function nearestFirst(figures: readonly MetricFigure[]): readonly EvidenceFigure[] {
  return [...figures].sort((a, b) => b.lnE / b.threshold - a.lnE / a.threshold);
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

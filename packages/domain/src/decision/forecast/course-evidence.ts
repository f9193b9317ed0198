// SPDX-License-Identifier: Apache-2.0
import type {
  BaseCount,
  ClosedCount,
  CoinCount,
  CoinMetric,
  EnrolmentCount,
  Evidence,
} from '../../evidence/evidence.ts';
import type { Arm } from '../../gateway/ledger.ts';
import { present } from '../../kernel/assert.ts';
import { binomial } from '../../kernel/binomial.ts';
import type { RolloutId, SegmentId } from '../../kernel/ids.ts';
import type { Prng } from '../../kernel/prng.ts';
import { scatter } from '../../kernel/scatter.ts';
import { DAY_MS, type FleetInstant, HOUR_MS } from '../../kernel/time.ts';
import type { RolloutPlan } from '../../policy/rollout.ts';
import type { FleetBehaviour } from './behaviour.ts';
import { STEP_HOURS } from './course-fleet.ts';
import type { Pool } from './course-places.ts';
import type { Defect } from './defect.ts';

type Open<T> = { -readonly [Key in keyof T]: T[Key] };

/** Evidence as it grows, and what enrolled devices will still add to it, as numbers by step. */
export interface CourseEvidence {
  readonly plan: RolloutPlan;
  readonly behaviour: FleetBehaviour;
  readonly source: Prng;
  readonly segments: readonly SegmentId[];
  readonly defect: Defect | undefined;
  /** Index of the segment that a defect is confined to. */
  readonly smallestSegment: number;
  /** The counts that the rule is shown. */
  readonly shown: Open<Evidence>;
  readonly later: Map<number, (() => void)[]>;
  /** Devices with the defect, counted when they are permitted. */
  harmed: number;
  /** Devices whose boot was confirmed. */
  confirmed: number;
  /** How often the `install` counts were started again: what was permitted before no longer counts for them. */
  installEra: number;
  readonly rows: Rows;
}

interface Rows {
  readonly base: Map<string, Open<BaseCount>>;
  readonly coin: Map<string, Open<CoinCount>>;
  readonly closed: Map<string, Open<ClosedCount>>;
  readonly enrolments: Map<string, Open<EnrolmentCount>>;
}

/** Nothing counted, nothing to come. */
export function createCourseEvidence(
  plan: RolloutPlan,
  fleet: { readonly segments: readonly SegmentId[]; readonly smallestSegment: number },
  world: { readonly behaviour: FleetBehaviour; readonly defect: Defect | undefined; readonly source: Prng },
): CourseEvidence {
  const rows: Rows = { base: new Map(), coin: new Map(), closed: new Map(), enrolments: new Map() };
  return {
    plan,
    ...fleet,
    ...world,
    shown: noEvidence(plan.rolloutId),
    later: new Map(),
    harmed: 0,
    confirmed: 0,
    installEra: 0,
    rows,
  };
}

/** Devices of one pool that were enrolled in one step. */
export interface Cohort {
  readonly pool: Pool;
  readonly step: number;
  /** Effective probability of the treated arm; 1 for rings and after completion. */
  readonly pi: number;
  readonly treated: number;
  readonly control: number;
}

/** Counts a cohort and draws everything that will come of it, in both arms. */
export function enrolCohort(evidence: CourseEvidence, cohort: Cohort, now: FleetInstant): void {
  const segment = segmentOf(evidence, cohort);
  const row = rowAt(evidence.rows.enrolments, `${segment} ${cohort.pi}`, () =>
    grown(evidence.shown, 'enrolments', { segment, pi: cohort.pi, treated: 0, control: 0 }),
  );
  row.treated += cohort.treated;
  row.control += cohort.control;
  evidence.shown.lastEnrolledAt = now;
  if (cohort.treated > 0) drawTreated(evidence, cohort);
  if (cohort.control > 0) drawShared(evidence, cohort, { arm: 'control', devices: cohort.control, bricked: 0 });
}

/** Adds what is heard in this step. */
export function hear(evidence: CourseEvidence, step: number): void {
  for (const add of evidence.later.get(step) ?? []) add();
  evidence.later.delete(step);
}

/** Hours until the last outcome window of a row closes. */
export function windowHours(plan: RolloutPlan, isPanel: boolean): number {
  const longestMs = plan.gates.metrics.reduce<number>(
    (longest, gate) =>
      gate.kind === 'coin' && (isPanel || gate.metric !== 'silent168') ? Math.max(longest, gate.windowMs) : longest,
    DAY_MS,
  );
  return longestMs / HOUR_MS;
}

/** The `install` counts start again, as a person signs it after a pause. */
export function restartInstall(evidence: CourseEvidence): void {
  for (const one of evidence.shown.base) {
    if (one.metric === 'install') Object.assign(one, { open: 0, closed: 0, events: 0, confirmed: 0 });
  }
  evidence.installEra += 1;
}

/** An end is heard of within the hour; a failed installation is tried again six hours later, and succeeds. */
const END_BINS = 1 / STEP_HOURS;
const RETRY_STEPS = 6 / STEP_HOURS;
/** Faults come at any time of their window; eight parts of it are fine enough for dates. */
const FAULT_BINS = 8;

function drawTreated(evidence: CourseEvidence, cohort: Cohort): void {
  const { source, behaviour } = evidence;
  const { treated } = cohort;
  const segment = segmentOf(evidence, cohort);
  const [revert, install] = (['revert', 'install'] as const).map((metric) =>
    rowAt(evidence.rows.base, `${metric} ${segment}`, () =>
      grown(evidence.shown, 'base', { metric, segment, open: 0, closed: 0, events: 0, confirmed: 0 }),
    ),
  );
  if (revert === undefined || install === undefined) return;
  const defect = defectOf(evidence, cohort);
  const bricked = binomial(source, treated, defect?.silent ?? 0);
  const harmed = binomial(source, treated - bricked, defect?.revert ?? 0);
  const reverted = harmed + binomial(source, treated - bricked - harmed, behaviour.revertRate);
  const failed = binomial(source, treated - bricked - reverted, behaviour.installFailureRate);
  evidence.harmed += bricked + harmed;
  const era = evidence.installEra;
  const end = (devices: number, what: { readonly events?: number; readonly confirmed?: number }): void => {
    if (evidence.installEra !== era) return;
    install.closed += devices;
    install.events += what.events ?? 0;
    install.confirmed += what.confirmed ?? 0;
  };
  revert.open += treated;
  install.open += treated;
  schedule(evidence, cohort, { devices: reverted }, (devices) => {
    revert.closed += devices;
    revert.events += devices;
    end(devices, {});
  });
  schedule(evidence, cohort, { devices: failed }, (devices) => end(devices, { events: devices }));
  const confirm = (devices: number): void => {
    evidence.confirmed += devices;
    revert.closed += devices;
    revert.confirmed += devices;
  };
  schedule(evidence, cohort, { devices: failed, afterSteps: RETRY_STEPS }, (devices) => {
    confirm(devices);
    end(0, { confirmed: devices });
  });
  schedule(evidence, cohort, { devices: treated - bricked - reverted - failed }, (devices) => {
    confirm(devices);
    end(devices, { confirmed: devices });
  });
  drawShared(evidence, cohort, { arm: 'treated', devices: treated - bricked, bricked });
}

interface Share {
  readonly arm: Arm;
  /** Without the bricked ones, which are silent for good and do nothing else. */
  readonly devices: number;
  readonly bricked: number;
}

/** Silence, crashes and sensor faults: the same draws for both arms but for what is wrong with the release. */
function drawShared(evidence: CourseEvidence, cohort: Cohort, share: Share): void {
  const { source, behaviour, plan } = evidence;
  const [day = 0, threeDays = 0, week = 0] = behaviour.contacts[cohort.pool.contact]?.silent ?? [];
  const silent24 = binomial(source, share.devices, day);
  const silent72 = binomial(source, silent24, day === 0 ? 0 : threeDays / day);
  const silent168 = binomial(source, silent72, threeDays === 0 ? 0 : week / threeDays);
  const crashed = binomial(source, share.devices, behaviour.crashRate);
  const defect = share.arm === 'treated' ? defectOf(evidence, cohort) : undefined;
  const lost = binomial(source, share.devices - silent24, defect?.silentAfterDay ?? 0);
  const excessCrashRate = behaviour.crashRate * Math.max(0, (defect?.crashFactor ?? 1) - 1);
  const crashedMore = binomial(source, share.devices - crashed, excessCrashRate);
  evidence.harmed += lost + crashedMore;
  const events = {
    silent24: silent24 + share.bricked,
    silent72: silent72 + lost + share.bricked,
    silent168: silent168 + lost + share.bricked,
    crash24: crashed + crashedMore,
    sensor24: binomial(source, share.devices, behaviour.sensorFaultRate),
  };
  for (const gate of plan.gates.metrics) {
    if (gate.kind !== 'coin' || (gate.metric === 'silent168' && !cohort.pool.isPanel)) continue;
    const windowSteps = gate.windowMs / HOUR_MS / STEP_HOURS;
    queueWindow(evidence, cohort, { metric: gate.metric, windowSteps, share, events: events[gate.metric] });
  }
}

/** What is wrong with the release for devices of this cohort. */
function defectOf({ defect, smallestSegment }: CourseEvidence, { pool }: Cohort): Defect | undefined {
  return defect?.isSmallestSegmentOnly === true && pool.segment !== smallestSegment ? undefined : defect;
}

function queueWindow(
  evidence: CourseEvidence,
  cohort: Cohort,
  one: { readonly metric: CoinMetric; readonly windowSteps: number; readonly share: Share; readonly events: number },
): void {
  const { metric, windowSteps, share, events } = one;
  const { arm } = share;
  const segment = segmentOf(evidence, cohort);
  const closed = rowAt(evidence.rows.closed, `${metric} ${segment} ${arm}`, () =>
    grown(evidence.shown, 'closed', { metric, segment, arm, closed: 0, events: 0 }),
  );
  at(evidence, cohort.step + windowSteps, () => {
    closed.closed += share.devices + share.bricked;
    closed.events += events;
  });
  if (events === 0 || cohort.pi >= 1) return;
  const coin = rowAt(evidence.rows.coin, `${metric} ${segment} ${cohort.pi}`, () =>
    grown(evidence.shown, 'coin', {
      ...{ metric, segment, pi: cohort.pi },
      ...{ eventsTreated: 0, eventsControl: 0, eventsControlFirstHalf: 0 },
    }),
  );
  const count = (devices: number): void => {
    if (arm === 'treated') coin.eventsTreated += devices;
    else {
      coin.eventsControl += devices;
      coin.eventsControlFirstHalf += binomial(evidence.source, devices, 0.5);
    }
  };
  if (metric === 'crash24' || metric === 'sensor24') {
    const put = (bin: number, devices: number): void => {
      at(evidence, cohort.step + 1 + Math.floor((bin / FAULT_BINS) * windowSteps), () => count(devices));
    };
    scatter(evidence.source, events, { bins: FAULT_BINS, put });
  } else at(evidence, cohort.step + windowSteps, () => count(events));
}

function schedule(
  evidence: CourseEvidence,
  { step }: Cohort,
  what: { readonly devices: number; readonly afterSteps?: number },
  add: (devices: number) => void,
): void {
  const { devices, afterSteps = 0 } = what;
  const put = (bin: number, here: number): void => at(evidence, step + 1 + afterSteps + bin, () => add(here));
  scatter(evidence.source, devices, { bins: END_BINS, put });
}

/** Does something in a later step. */
export function at(evidence: CourseEvidence, step: number, add: () => void): void {
  const others = evidence.later.get(step);
  if (others === undefined) evidence.later.set(step, [add]);
  else others.push(add);
}

function segmentOf({ segments }: CourseEvidence, { pool }: Cohort): SegmentId {
  return present(segments[pool.segment], 'a segment of the fleet');
}

function rowAt<T>(rows: Map<string, T>, key: string, make: () => T): T {
  const found = rows.get(key) ?? make();
  rows.set(key, found);
  return found;
}

/** Adds a row to the evidence that is shown, and hands it back open. */
function grown<Name extends 'base' | 'coin' | 'closed' | 'enrolments', T extends Evidence[Name][number]>(
  shown: Open<Evidence>,
  name: Name,
  row: T,
): T {
  Object.assign(shown, { [name]: [...shown[name], row] });
  return row;
}

function noEvidence(rolloutId: RolloutId): Evidence {
  // A course begins at the start of fleet time: the instant zero is a constant of it.
  return { rolloutId, asOf: 0 as FleetInstant, base: [], coin: [], closed: [], enrolments: [], recent: [] };
}

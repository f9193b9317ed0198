// SPDX-License-Identifier: Apache-2.0
import { decideWithoutShown } from '@outrider/domain/decision/decide';
import type { Verdict } from '@outrider/domain/decision/decision';
import { RULE_NOW } from '@outrider/domain/decision/rule';
import { startExposure } from '@outrider/domain/decision/start-exposure';
import { count, emptyEvidence } from '@outrider/domain/evidence/count';
import { eventsBetween, outcomeWindowsMs } from '@outrider/domain/evidence/events';
import type { Evidence } from '@outrider/domain/evidence/evidence';
import type { LedgerOutcome, LedgerRow } from '@outrider/domain/gateway/ledger';
import { canReEnrol } from '@outrider/domain/gateway/re-enrol';
import type { Epoch, PermitId, SegmentId } from '@outrider/domain/kernel/ids';
import { exponential, type Prng, prng } from '@outrider/domain/kernel/prng';
import { DAY_MS, type FleetInstant, fleetInstant, HOUR_MS, MINUTE_MS } from '@outrider/domain/kernel/time';
import type { Exposure } from '@outrider/domain/policy/exposure';
import { armUnitOf, isPanel } from '@outrider/domain/policy/place';
import type { RolloutPlan } from '@outrider/domain/policy/rollout';
import { planOf } from './plan.ts';
import { drawFaults, drawInstall, makeDevice, SEGMENTS, type WorldDevice } from './small-fleet-world.ts';

/** What a small fleet does in one run of the shipped rule: one process, one device at a time, at the base rates. */
export interface SmallFleetRun {
  readonly verdict: Verdict;
  /** Days until 99 % of the fleet ran the release, or until the halt, or the last day. */
  readonly days: number;
  readonly verifiedPermille: number;
  readonly granted: number;
  /** Devices that fell back because of the defect. */
  readonly harmed: number;
  readonly isCapKept: boolean;
  readonly history: readonly string[];
}

export interface SmallFleetWorld {
  readonly seed: string;
  readonly devices: number;
  readonly ringDevices: number;
  readonly daysMax: number;
  /** Every device of this segment falls back. */
  readonly defectiveSegment?: string;
}

/** Plays one rollout on a fleet small enough to follow each device. The outcomes follow design/decision.md, "The worlds". */
export function runSmallFleet(world: SmallFleetWorld): SmallFleetRun {
  const run = startRun(world);
  const ticks = (world.daysMax * DAY_MS) / TICK_MS;
  for (let tick = 1; tick <= ticks; tick++) {
    const now = fleetInstant(tick * TICK_MS);
    wakeDevices(run, { tick, now });
    judge(run, { tick, now });
    if (run.verdict.kind === 'halt' || run.verdict.kind === 'pause') return resultOf(run, now);
    if (run.verified >= 0.99 * run.devices.length) return resultOf(run, now);
  }
  return resultOf(run, fleetInstant(ticks * TICK_MS));
}

const TICK_MS = 10 * MINUTE_MS;
/** The server's polling, of a ready device: after a full cap, and as a control. */
const ASK_AFTER_CAP_MS = 6 * HOUR_MS;
const ASK_AS_CONTROL_MS = 12 * HOUR_MS;

interface Device {
  readonly is: WorldDevice;
  readyAt: number | undefined;
  /** Of its newest enrolment. */
  outcome: LedgerOutcome | undefined;
}

interface Run {
  readonly world: SmallFleetWorld;
  readonly plan: RolloutPlan;
  readonly source: Prng;
  readonly devices: readonly Device[];
  readonly wakeUps: Map<number, Device[]>;
  readonly touched: Map<number, Set<LedgerOutcome>>;
  readonly history: string[];
  exposure: Exposure;
  evidence: Evidence;
  verdict: Verdict;
  verified: number;
  harmed: number;
  isCapKept: boolean;
}

interface Moment {
  readonly tick: number;
  readonly now: FleetInstant;
}

function startRun(world: SmallFleetWorld): Run {
  const plan = planOf(`small-${world.seed}`);
  const source = prng(`small-fleet/${world.seed}`);
  const devices = Array.from({ length: world.devices }, (_, index) => ({
    is: makeDevice({ index, ringDevices: world.ringDevices, salt: plan.salt }, source),
    readyAt: undefined,
    outcome: undefined,
  }));
  const now = fleetInstant(0);
  const populations = SEGMENTS.map(({ segment }) => ({
    segment,
    population: devices.filter((one) => one.is.segment === segment).length,
  }));
  const run: Run = {
    world,
    plan,
    source,
    devices,
    wakeUps: new Map(),
    touched: new Map(),
    history: [],
    exposure: startExposure({ plan, populations, ringDevices: world.ringDevices, now }),
    evidence: emptyEvidence(plan, now),
    verdict: { kind: 'admit', reason: 'Started' },
    verified: 0,
    harmed: 0,
    isCapKept: true,
  };
  for (const device of devices)
    wakeAfter(run, device, { tick: 0, delayMs: source.next() * device.is.contact.contactMs });
  return run;
}

function wakeDevices(run: Run, moment: Moment): void {
  const due = run.wakeUps.get(moment.tick) ?? [];
  run.wakeUps.delete(moment.tick);
  for (const device of due) {
    const delayMs = delayOf(run, device, moment.now);
    if (delayMs === undefined) enrol(run, device, moment);
    else wakeAfter(run, device, { tick: moment.tick, delayMs });
  }
}

/** How long until the device asks again; undefined when it is ready and nothing stands in its way. */
function delayOf(run: Run, device: Device, now: FleetInstant): number | undefined {
  const idleMs = exponential(run.source, device.is.contact.contactMs);
  if (device.readyAt === undefined && !isOffered(run, device)) return idleMs;
  device.readyAt ??= now + device.is.deferralMs;
  if (now < device.readyAt) return device.readyAt - now + idleMs / 4;
  const row = device.outcome?.row;
  const moment = { pi: run.exposure.pi, now };
  if (row !== undefined && !canReEnrol(row, run.plan, moment)) return spread(run, ASK_AS_CONTROL_MS);
  return isFull(run.exposure, device.is.segment) ? spread(run, ASK_AFTER_CAP_MS) : undefined;
}

function isOffered({ plan, exposure, devices }: Run, { is }: Device): boolean {
  const wave = plan.waves[exposure.waveIndex];
  if (is.isRing) return true;
  return (wave?.exposurePermille ?? 0) > 0 && is.order < exposure.downloadsAllowed / devices.length;
}

function isFull(exposure: Exposure, segment: SegmentId): boolean {
  const own = exposure.segments.find((one) => one.segment === segment);
  return exposure.granted >= exposure.cap || own === undefined || own.granted >= own.cap;
}

/** The permit: ledger row, coin, and everything that will come of it, drawn ahead. */
function enrol(run: Run, device: Device, { tick, now }: Moment): void {
  const row = rowOf(run, device, now);
  const isTreated = row.arm === 'treated';
  const isDefective = row.segment === run.world.defectiveSegment;
  const outcome: LedgerOutcome = {
    position: 0,
    row,
    ...drawFaults(run.source, device.is, now),
    ...(isTreated ? drawInstall(run.source, now, isDefective) : {}),
  };
  device.outcome = outcome;
  touch(run, outcome);
  if (!isTreated) {
    wakeAfter(run, device, { tick, delayMs: spread(run, ASK_AS_CONTROL_MS) });
    return;
  }
  grant(run, row.segment);
  run.harmed += isDefective ? 1 : 0;
  run.verified += outcome.verifiedAt === undefined ? 0 : 1;
}

function rowOf({ exposure, plan }: Run, { is, outcome }: Device, now: FleetInstant): LedgerRow {
  const enrolment = (outcome?.row.enrolment ?? 0) + 1;
  const piBefore = outcome?.row.pi ?? 0;
  const isRing = is.isRing && outcome === undefined;
  const isTreated = isRing || armUnitOf(plan.salt, is.id) < exposure.pi;
  return {
    rolloutId: plan.rolloutId,
    deviceId: is.id,
    enrolment,
    kind: 'enrolment',
    releaseId: plan.releaseId,
    segment: is.segment,
    arm: isTreated ? 'treated' : 'control',
    piBefore,
    pi: exposure.pi,
    piEffective: isRing ? 1 : (exposure.pi - piBefore) / (1 - piBefore),
    isRing,
    isPanel: isPanel(plan.salt, is.id),
    permitId: `permit-${is.id}-${enrolment}` as PermitId,
    epoch: 0 as Epoch,
    grantedAt: now,
    permitLifeMs: plan.permitLifeMs,
  };
}

function grant(run: Run, segment: SegmentId): void {
  const { exposure } = run;
  run.exposure = {
    ...exposure,
    granted: exposure.granted + 1,
    segments: exposure.segments.map((one) => (one.segment === segment ? { ...one, granted: one.granted + 1 } : one)),
  };
  const isWithin = run.exposure.segments.every((one) => one.granted <= one.cap);
  run.isCapKept &&= isWithin && run.exposure.granted <= run.exposure.cap;
}

/** Notes in which ticks this row has something for the evidence. */
function touch(run: Run, outcome: LedgerOutcome): void {
  const { row, verifiedAt, revertedAt, installFailedAt, crashedAt, sensorFaultAt } = outcome;
  const closings = outcomeWindowsMs(run.plan).map((windowMs) => row.grantedAt + windowMs);
  for (const at of [row.grantedAt, verifiedAt, revertedAt, installFailedAt, crashedAt, sensorFaultAt, ...closings]) {
    if (at === undefined) continue;
    const tick = Math.ceil(at / TICK_MS);
    run.touched.set(tick, (run.touched.get(tick) ?? new Set()).add(outcome));
  }
}

function judge(run: Run, { tick, now }: Moment): void {
  const interval = { afterMs: run.evidence.asOf, upTo: now };
  const rows = run.touched.get(tick) ?? new Set();
  run.touched.delete(tick);
  const events = [...rows].flatMap((outcome) => eventsBetween(outcome, interval, run.plan));
  run.evidence = count(run.evidence, events, now);
  const { overall, exposure } = decideWithoutShown(run.plan, {
    evidence: run.evidence,
    exposure: run.exposure,
    now,
    rule: RULE_NOW,
  });
  if (overall.kind !== run.verdict.kind || exposure.waveIndex !== run.exposure.waveIndex) {
    const share = `pi ${exposure.pi.toFixed(2)}, ${exposure.granted} of ${exposure.cap}, wave ${exposure.waveIndex}`;
    run.history.push(`Day ${(now / DAY_MS).toFixed(2)}: ${overall.kind}, ${share}: ${overall.reason}`);
  }
  run.verdict = overall;
  run.exposure = exposure;
}

function resultOf(run: Run, now: FleetInstant): SmallFleetRun {
  return {
    verdict: run.verdict,
    days: now / DAY_MS,
    verifiedPermille: Math.floor((1000 * run.verified) / run.devices.length),
    granted: run.exposure.granted,
    harmed: run.harmed,
    isCapKept: run.isCapKept,
    history: run.history,
  };
}

function wakeAfter(run: Run, device: Device, wait: { readonly tick: number; readonly delayMs: number }): void {
  const at = wait.tick + Math.max(1, Math.ceil(wait.delayMs / TICK_MS));
  const others = run.wakeUps.get(at);
  if (others === undefined) run.wakeUps.set(at, [device]);
  else others.push(device);
}

function spread(run: Run, meanMs: number): number {
  return meanMs * (0.5 + run.source.next());
}

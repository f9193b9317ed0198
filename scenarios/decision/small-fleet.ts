// SPDX-License-Identifier: Apache-2.0
import { decide } from '@outrider/domain/decision/decide';
import type { Verdict } from '@outrider/domain/decision/decision';
import { startExposure } from '@outrider/domain/decision/start-exposure';
import { count, emptyEvidence } from '@outrider/domain/evidence/count';
import { eventsBetween, outcomeWindowsMs } from '@outrider/domain/evidence/events';
import type { Evidence } from '@outrider/domain/evidence/evidence';
import type { LedgerOutcome, LedgerRow } from '@outrider/domain/gateway/ledger';
import { canReEnrol } from '@outrider/domain/gateway/re-enrol';
import type { DeviceId, SegmentId } from '@outrider/domain/kernel/ids';
import { exponential, type Prng, prng } from '@outrider/domain/kernel/prng';
import { DAY_MS, type FleetInstant, fleetInstant, HOUR_MS, MINUTE_MS } from '@outrider/domain/kernel/time';
import type { Exposure } from '@outrider/domain/policy/exposure';
import { armUnitOf, isPanel, orderOf } from '@outrider/domain/policy/place';
import type { RolloutPlan } from '@outrider/domain/policy/rollout';
import { planOf } from './plan.ts';

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
    wakeDevices(run, tick, now);
    judge(run, tick, now);
    if (run.verdict.kind === 'halt' || run.verdict.kind === 'pause') return resultOf(run, now);
    if (run.verified >= 0.99 * run.devices.length) return resultOf(run, now);
  }
  return resultOf(run, fleetInstant(ticks * TICK_MS));
}

const TICK_MS = 10 * MINUTE_MS;
/** Shares of the fleet and mean check-in of the three classes of contact, and how often each goes silent with re-polls. */
const CLASSES = [
  { share: 0.6, contactMs: 4 * HOUR_MS, silent: [0.003, 0.0008, 0.0004] },
  { share: 0.35, contactMs: 12 * HOUR_MS, silent: [0.01, 0.004, 0.0015] },
  { share: 0.05, contactMs: 48 * HOUR_MS, silent: [0.05, 0.03, 0.01] },
] as const;
/** How long a device that has downloaded takes until it may install. */
const DEFERRALS = [
  { share: 0.7, meanMs: 8 * HOUR_MS },
  { share: 0.2, meanMs: 24 * HOUR_MS },
  { share: 0.07, meanMs: 96 * HOUR_MS },
  { share: 0.03, meanMs: 240 * HOUR_MS },
] as const;
const SEGMENTS = [
  { segment: 'rev-a' as SegmentId, share: 0.45 },
  { segment: 'rev-b' as SegmentId, share: 0.43 },
  { segment: 'rev-c' as SegmentId, share: 0.12 },
] as const;
const REVERT_RATE = 0.00015;
const INSTALL_FAILURE_RATE = 0.003;
const CRASH_RATE = 0.03;
const SENSOR_RATE = 0.003;
/** The server's polling: after a full cap, as a control, while idle. */
const ASK_AFTER_CAP_MS = 6 * HOUR_MS;
const ASK_AS_CONTROL_MS = 12 * HOUR_MS;

interface Device {
  readonly id: DeviceId;
  readonly segment: SegmentId;
  readonly isRing: boolean;
  readonly order: number;
  readonly contact: (typeof CLASSES)[number];
  readonly deferralMs: number;
  readyAt: number | undefined;
  outcome: LedgerOutcome | undefined;
  isDone: boolean;
}

interface Run {
  readonly world: SmallFleetWorld;
  readonly plan: RolloutPlan;
  readonly source: Prng;
  readonly devices: readonly Device[];
  readonly wakeUps: Map<number, Device[]>;
  readonly touched: Map<number, Set<Device>>;
  readonly history: string[];
  exposure: Exposure;
  evidence: Evidence;
  verdict: Verdict;
  verified: number;
  harmed: number;
  isCapKept: boolean;
}

function startRun(world: SmallFleetWorld): Run {
  const plan = planOf(`small-${world.seed}`);
  const source = prng(`small-fleet/${world.seed}`);
  const devices = Array.from({ length: world.devices }, (_, index) => makeDevice({ index, world, plan, source }));
  const now = fleetInstant(0);
  const populations = SEGMENTS.map(({ segment }) => ({
    segment,
    population: devices.filter((one) => one.segment === segment).length,
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
  for (const device of devices) wakeAfter(run, device, { tick: 0, delayMs: source.next() * device.contact.contactMs });
  return run;
}

interface Making {
  readonly index: number;
  readonly world: SmallFleetWorld;
  readonly plan: RolloutPlan;
  readonly source: Prng;
}

function makeDevice({ index, world, plan, source }: Making): Device {
  const id = `device-${index}` as DeviceId;
  const isRing = index < world.ringDevices;
  const ringSegment = SEGMENTS[index % SEGMENTS.length];
  const segment = isRing && ringSegment !== undefined ? ringSegment.segment : pick(SEGMENTS, source).segment;
  return {
    id,
    segment,
    isRing,
    order: orderOf(plan.salt, id),
    contact: isRing ? CLASSES[0] : pick(CLASSES, source),
    deferralMs: isRing ? 0 : exponential(source, pick(DEFERRALS, source).meanMs),
    readyAt: undefined,
    outcome: undefined,
    isDone: false,
  };
}

function wakeDevices(run: Run, tick: number, now: FleetInstant): void {
  const due = run.wakeUps.get(tick) ?? [];
  run.wakeUps.delete(tick);
  for (const device of due) wake(run, device, { tick, now });
}

interface Moment {
  readonly tick: number;
  readonly now: FleetInstant;
}

function wake(run: Run, device: Device, moment: Moment): void {
  const idleMs = exponential(run.source, device.contact.contactMs);
  if (device.readyAt === undefined) {
    if (!isOffered(run, device)) return wakeAfter(run, device, { ...moment, delayMs: idleMs });
    device.readyAt = moment.now + device.deferralMs;
  }
  if (moment.now < device.readyAt) {
    return wakeAfter(run, device, { ...moment, delayMs: device.readyAt - moment.now + idleMs / 4 });
  }
  const row = device.outcome?.row;
  if (row !== undefined && !canReEnrol(row, run.plan, { pi: run.exposure.pi, now: moment.now })) {
    return wakeAfter(run, device, { ...moment, delayMs: spread(run, ASK_AS_CONTROL_MS) });
  }
  if (isFull(run.exposure, device.segment)) {
    return wakeAfter(run, device, { ...moment, delayMs: spread(run, ASK_AFTER_CAP_MS) });
  }
  enrol(run, device, moment);
}

function isOffered(run: Run, device: Device): boolean {
  const wave = run.plan.waves[run.exposure.waveIndex];
  if (device.isRing) return true;
  return (wave?.exposurePermille ?? 0) > 0 && device.order < run.exposure.downloadsAllowed / run.devices.length;
}

function isFull(exposure: Exposure, segment: SegmentId): boolean {
  const own = exposure.segments.find((one) => one.segment === segment);
  return exposure.granted >= exposure.cap || own === undefined || own.granted >= own.cap;
}

/** The permit: ledger row, coin, and everything that will come of it, drawn ahead. */
function enrol(run: Run, device: Device, { tick, now }: Moment): void {
  const { exposure, plan } = run;
  const before = device.outcome?.row;
  const piBefore = before?.pi ?? 0;
  const isRing = device.isRing && before === undefined;
  const isTreated = isRing || armUnitOf(plan.salt, device.id) < exposure.pi;
  const row: LedgerRow = {
    rolloutId: plan.rolloutId,
    deviceId: device.id,
    enrolment: (before?.enrolment ?? 0) + 1,
    kind: 'enrolment',
    releaseId: plan.releaseId,
    segment: device.segment,
    arm: isTreated ? 'treated' : 'control',
    piBefore,
    pi: exposure.pi,
    piEffective: isRing ? 1 : (exposure.pi - piBefore) / (1 - piBefore),
    isRing,
    isPanel: isPanel(plan.salt, device.id),
    permitId: `permit-${device.id}-${before?.enrolment ?? 0}` as LedgerRow['permitId'],
    epoch: 0 as LedgerRow['epoch'],
    grantedAt: now,
    permitLifeMs: plan.permitLifeMs,
  };
  device.outcome = {
    position: 0,
    row,
    ...drawFaults(run, device, now),
    ...(isTreated ? drawInstall(run, device, now) : {}),
  };
  if (isTreated) grant(run, device);
  else wakeAfter(run, device, { tick, delayMs: spread(run, ASK_AS_CONTROL_MS) });
  touch(run, device);
}

function grant(run: Run, device: Device): void {
  const { exposure } = run;
  run.exposure = {
    ...exposure,
    granted: exposure.granted + 1,
    segments: exposure.segments.map((one) =>
      one.segment === device.segment ? { ...one, granted: one.granted + 1 } : one,
    ),
  };
  const isWithin = run.exposure.segments.every((one) => one.granted <= one.cap);
  run.isCapKept &&= isWithin && run.exposure.granted <= run.exposure.cap;
  device.isDone = true;
  if (device.outcome?.verifiedAt !== undefined) run.verified += 1;
}

/** A failed install is tried again within six hours and succeeds. */
function drawInstall(run: Run, device: Device, now: FleetInstant): Partial<LedgerOutcome> {
  const minutesLater = fleetInstant(now + Math.round(run.source.next() * 20 * MINUTE_MS));
  if (device.segment === run.world.defectiveSegment) {
    run.harmed += 1;
    return { revertedAt: minutesLater };
  }
  if (run.source.next() < byHour(REVERT_RATE, now)) return { revertedAt: minutesLater };
  if (run.source.next() < byHour(INSTALL_FAILURE_RATE, now)) {
    return { installFailedAt: minutesLater, verifiedAt: fleetInstant(minutesLater + 6 * HOUR_MS) };
  }
  return { verifiedAt: minutesLater };
}

/** Silence, crash and sensor fault: the same in both arms. */
function drawFaults(run: Run, device: Device, now: FleetInstant): Partial<LedgerOutcome> {
  const { source } = run;
  const [silent24, silent72, silent168] = device.contact.silent;
  const luck = source.next();
  const [fromHours, toHours] =
    luck >= silent24 ? [1.1, 23.9] : luck >= silent72 ? [24.1, 71.9] : luck >= silent168 ? [72.1, 167.9] : [168.1, 400];
  const contactAt = fleetInstant(Math.round(now + (fromHours + source.next() * (toHours - fromHours)) * HOUR_MS));
  const faultAt = fleetInstant(Math.round(now + source.next() * DAY_MS));
  return {
    firstContactAt: contactAt,
    ...(source.next() < byHour(CRASH_RATE, now) ? { crashedAt: faultAt } : {}),
    ...(source.next() < byHour(SENSOR_RATE, now) ? { sensorFaultAt: faultAt } : {}),
  };
}

/** Rates swing by half over the day. */
function byHour(rate: number, now: FleetInstant): number {
  return rate * (1 + 0.5 * Math.sin((2 * Math.PI * now) / DAY_MS));
}

/** Notes in which ticks this row has something for the evidence. */
function touch(run: Run, device: Device): void {
  const { outcome } = device;
  if (outcome === undefined) return;
  const { row, verifiedAt, revertedAt, installFailedAt, crashedAt, sensorFaultAt } = outcome;
  const closings = outcomeWindowsMs(run.plan).map((windowMs) => row.grantedAt + windowMs);
  for (const at of [row.grantedAt, verifiedAt, revertedAt, installFailedAt, crashedAt, sensorFaultAt, ...closings]) {
    if (at === undefined) continue;
    const tick = Math.ceil(at / TICK_MS);
    run.touched.set(tick, (run.touched.get(tick) ?? new Set()).add(device));
  }
}

function judge(run: Run, tick: number, now: FleetInstant): void {
  const interval = { afterMs: run.evidence.asOf, upTo: now };
  const rows = [...(run.touched.get(tick) ?? [])].flatMap((device) => device.outcome ?? []);
  run.touched.delete(tick);
  const events = rows.flatMap((outcome) => eventsBetween(outcome, interval, run.plan));
  run.evidence = count(run.evidence, events, now);
  const decision = decide(run.plan, { evidence: run.evidence, exposure: run.exposure, now });
  const { exposure } = decision;
  const isNews = decision.overall.kind !== run.verdict.kind || exposure.waveIndex !== run.exposure.waveIndex;
  if (isNews) {
    const day = (now / DAY_MS).toFixed(2);
    const share = `pi ${exposure.pi.toFixed(2)}, ${exposure.granted} of ${exposure.cap}, wave ${exposure.waveIndex}`;
    run.history.push(`day ${day}: ${decision.overall.kind}, ${share}: ${decision.overall.reason}`);
  }
  run.verdict = decision.overall;
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

function wakeAfter(
  run: Run,
  device: Device,
  { tick, delayMs }: { readonly tick: number; readonly delayMs: number },
): void {
  const at = tick + Math.max(1, Math.ceil(delayMs / TICK_MS));
  const others = run.wakeUps.get(at);
  if (others === undefined) run.wakeUps.set(at, [device]);
  else others.push(device);
}

function spread(run: Run, meanMs: number): number {
  return meanMs * (0.5 + run.source.next());
}

function pick<T extends { readonly share: number }>(choices: readonly [T, ...T[]], source: Prng): T {
  let left = source.next();
  for (const choice of choices) {
    if (left < choice.share) return choice;
    left -= choice.share;
  }
  return choices[0];
}

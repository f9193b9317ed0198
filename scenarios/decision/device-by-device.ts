// SPDX-License-Identifier: Apache-2.0
import { decideWithoutShown } from '@outrider/domain/decision/decide';
import { RULE_NOW } from '@outrider/domain/decision/rule';
import { startExposure } from '@outrider/domain/decision/start-exposure';
import { count, emptyEvidence } from '@outrider/domain/evidence/count';
import { eventsBetween, outcomeWindowsMs } from '@outrider/domain/evidence/events';
import type { Evidence } from '@outrider/domain/evidence/evidence';
import type { LedgerOutcome, LedgerRow } from '@outrider/domain/gateway/ledger';
import { canReEnrol } from '@outrider/domain/gateway/re-enrol';
import type { DeviceId, PermitId, SegmentId } from '@outrider/domain/kernel/ids';
import { below, type Prng, prng } from '@outrider/domain/kernel/prng';
import { type FleetInstant, fleetInstant, HOUR_MS, MINUTE_MS } from '@outrider/domain/kernel/time';
import type { Exposure } from '@outrider/domain/policy/exposure';
import { armUnitOf, isPanel, orderOf } from '@outrider/domain/policy/place';
import type { RolloutPlan } from '@outrider/domain/policy/rollout';
import { ONE_WAVE, planOf } from './plan.ts';
import { DONE_SHARE, END_SHARE, type PlayOptions, type Run } from './play.ts';
import {
  chancesAt,
  chanceWithin,
  checkInChance,
  drawWeather,
  hasDefect,
  STEP_MINUTES,
  STEPS_PER_DAY,
  STEPS_PER_HOUR,
  type Weather,
} from './weather.ts';
import type { World } from './world.ts';

/**
 * The same worlds with each device followed by itself, through ledger rows and the shipped `eventsBetween`: too slow for
 * large fleets, and the yardstick for the counts of `play`.
 */
export function playDeviceByDevice({ world, devices: size, seed, daysMax }: PlayOptions): Run {
  const run = startRun(world, size, seed);
  let daysTo95: number | undefined;
  for (let step = 1; step <= daysMax * STEPS_PER_DAY; step++) {
    const now = fleetInstant(step * STEP_MS);
    stepDevices(run, step, now);
    const verdict = judge(run, step, now);
    if (verdict.kind === 'halt' || verdict.kind === 'pause') {
      return { ...progress(run), stop: { hours: step / STEPS_PER_HOUR, reason: verdict.reason } };
    }
    const confirmed = run.verifiedAtMs.filter((at) => at <= now).length;
    if (confirmed >= DONE_SHARE * size) daysTo95 ??= step / STEPS_PER_DAY;
    if (confirmed >= END_SHARE * size) break;
  }
  return { ...progress(run), ...(daysTo95 === undefined ? {} : { daysTo95 }) };
}

const STEP_MS = STEP_MINUTES * MINUTE_MS;

interface Device {
  readonly id: DeviceId;
  readonly segmentIndex: number;
  readonly contact: number;
  readonly meanReadyHours: number;
  readonly order: number;
  state: 'waiting' | 'downloaded' | 'ready' | 'treated';
  outcome: LedgerOutcome | undefined;
}

interface DeviceRun {
  readonly world: World;
  readonly weather: Weather;
  readonly plan: RolloutPlan;
  readonly source: Prng;
  readonly devices: readonly Device[];
  readonly segments: readonly SegmentId[];
  /** Rows with something for the evidence, by step. */
  readonly touched: Map<number, Set<LedgerOutcome>>;
  readonly verifiedAtMs: number[];
  exposure: Exposure;
  evidence: Evidence;
  harmed: number;
}

function startRun(world: World, size: number, seed: string): DeviceRun {
  const source = prng(`device-by-device/${world.name}/${size}/${seed}`);
  const plan = { ...planOf(seed), waves: ONE_WAVE, ...world.planChange };
  const segments = world.segmentShares.map((_, index) => `segment-${index + 1}` as SegmentId);
  const devices = Array.from({ length: size }, (_, index): Device => {
    const id = `device-${index}` as DeviceId;
    return {
      id,
      segmentIndex: pick(world.segmentShares, source),
      contact: pick(
        world.contacts.map((one) => one.share),
        source,
      ),
      meanReadyHours: world.readiness[pick(shares(world.readiness), source)]?.meanHours ?? 1,
      order: orderOf(plan.salt, id),
      state: 'waiting',
      outcome: undefined,
    };
  });
  const populations = segments.map((segment, index) => ({
    segment,
    population: devices.filter((one) => one.segmentIndex === index).length,
  }));
  const now = fleetInstant(0);
  return {
    world,
    weather: drawWeather(world, source.fork('weather')),
    plan,
    source,
    devices,
    segments,
    touched: new Map(),
    verifiedAtMs: [],
    exposure: startExposure({ plan, populations, ringDevices: 0, now }),
    evidence: emptyEvidence(plan, now),
    harmed: 0,
  };
}

function shares(classes: readonly { readonly share: number }[]): readonly number[] {
  return classes.map((one) => one.share);
}

function stepDevices(run: DeviceRun, step: number, now: FleetInstant): void {
  const { world, source, devices, exposure } = run;
  const prefixShare = exposure.downloadsAllowed / devices.length;
  // Caps are met in a random order: the same start each time would favour the first devices.
  const first = below(source, devices.length);
  for (let offset = 0; offset < devices.length; offset++) {
    const device = devices[(first + offset) % devices.length];
    if (device === undefined || device.state === 'treated') continue;
    if (device.state === 'waiting') {
      if (device.order >= prefixShare) continue;
      const { meanHours } = world.contacts[device.contact] ?? { meanHours: 1 };
      const chance = checkInChance(world, meanHours, { step, segment: device.segmentIndex });
      if (source.next() < chance) device.state = 'downloaded';
    } else if (device.state === 'downloaded') {
      if (source.next() < chanceWithin(device.meanReadyHours)) device.state = 'ready';
    } else if (source.next() < ASK_CHANCE) {
      ask(run, device, { step, now });
    }
  }
}

const ASK_CHANCE = chanceWithin(1);

interface Moment {
  readonly step: number;
  readonly now: FleetInstant;
}

/** As `answerPermit` and the store do it together: re-enrolment, caps, coin, row. */
function ask(run: DeviceRun, device: Device, moment: Moment): void {
  const { exposure, plan, segments } = run;
  const former = device.outcome?.row;
  if (former !== undefined && !canReEnrol(former, plan, { pi: exposure.pi, now: moment.now })) return;
  const own = exposure.segments[device.segmentIndex];
  const segment = segments[device.segmentIndex];
  if (own === undefined || segment === undefined) return;
  if (exposure.granted >= exposure.cap || own.granted >= own.cap) return;
  const isTreated = armUnitOf(plan.salt, device.id) < exposure.pi;
  const piBefore = former?.pi ?? 0;
  const row: LedgerRow = {
    rolloutId: plan.rolloutId,
    deviceId: device.id,
    enrolment: (former?.enrolment ?? 0) + 1,
    kind: 'enrolment',
    releaseId: plan.releaseId,
    segment,
    arm: isTreated ? 'treated' : 'control',
    piBefore,
    pi: exposure.pi,
    piEffective: (exposure.pi - piBefore) / (1 - piBefore),
    isRing: false,
    isPanel: isPanel(plan.salt, device.id),
    permitId: `${device.id}-${former?.enrolment ?? 0}` as PermitId,
    epoch: 0 as LedgerRow['epoch'],
    grantedAt: moment.now,
    permitLifeMs: plan.permitLifeMs,
  };
  device.outcome = drawOutcome(run, device, row, moment);
  touch(run, device.outcome);
  if (!isTreated) return;
  device.state = 'treated';
  run.exposure = {
    ...exposure,
    granted: exposure.granted + 1,
    segments: exposure.segments.map((one) => (one === own ? { ...one, granted: one.granted + 1 } : one)),
  };
}

/** Draws all that will be heard of one row. Instants are those of the steps in which the server hears of them. */
function drawOutcome(run: DeviceRun, device: Device, row: LedgerRow, { step, now }: Moment): LedgerOutcome {
  const { world, source, weather } = run;
  const chances = chancesAt(world, weather, { step, segment: device.segmentIndex });
  const isTreated = row.arm === 'treated';
  const defect = isTreated && hasDefect(world, device.segmentIndex) ? world.defect : undefined;
  const factors = isTreated ? world.treatedFactors : undefined;
  if (source.next() < (defect?.silentAtOnce ?? 0)) {
    run.harmed += 1;
    return { position: 0, row };
  }
  const [day, threeDays, week] = world.contacts[device.contact]?.silent ?? [0, 0, 0];
  const isSilent24 = source.next() < Math.min(1, day * chances.silentFactor * (factors?.silent ?? 1));
  const isSilent72 = isSilent24 && source.next() < threeDays / day;
  const isSilent168 = isSilent72 && source.next() < week / threeDays;
  const isLost = !isSilent24 && source.next() < (defect?.silentAfterDay ?? 0);
  run.harmed += isLost ? 1 : 0;
  const heardAt = (hours: number): FleetInstant => fleetInstant(now + hours * HOUR_MS);
  const isCrashBase = source.next() < chances.faultFactor * world.rates.crash * (factors?.crash ?? 1);
  const isCrashDefect = !isCrashBase && source.next() < (defect?.crash ?? 0);
  run.harmed += isCrashDefect ? 1 : 0;
  const withinDay = (): FleetInstant => fleetInstant(now + (1 + below(source, STEPS_PER_DAY)) * STEP_MS);
  return {
    position: 0,
    row,
    ...(isSilent24 ? {} : { firstContactAt: heardAt(6) }),
    ...(isSilent72 || isLost ? {} : { secondDayContactAt: heardAt(30) }),
    ...(isSilent168 || isLost ? {} : { fourthDayContactAt: heardAt(100) }),
    ...(isCrashBase || isCrashDefect ? { crashedAt: withinDay() } : {}),
    ...(source.next() < chances.faultFactor * world.rates.sensor ? { sensorFaultAt: withinDay() } : {}),
    ...(isTreated ? drawEnd(run, chances, now) : {}),
  };
}

function drawEnd(run: DeviceRun, chances: ReturnType<typeof chancesAt>, now: FleetInstant): Partial<LedgerOutcome> {
  const { source } = run;
  const at = fleetInstant(now + (1 + below(source, STEPS_PER_HOUR)) * STEP_MS);
  if (source.next() < chances.defectRevert) {
    run.harmed += 1;
    return { revertedAt: at };
  }
  if (source.next() < chances.revert) return { revertedAt: at };
  const isFailed = source.next() < chances.install;
  const verifiedAt = isFailed ? fleetInstant(at + 6 * HOUR_MS) : at;
  run.verifiedAtMs.push(verifiedAt);
  return { verifiedAt, ...(isFailed ? { installFailedAt: at } : {}) };
}

function touch(run: DeviceRun, outcome: LedgerOutcome): void {
  const { row, verifiedAt, revertedAt, installFailedAt, crashedAt, sensorFaultAt } = outcome;
  const closings = outcomeWindowsMs(run.plan).map((windowMs) => row.grantedAt + windowMs);
  for (const at of [row.grantedAt, verifiedAt, revertedAt, installFailedAt, crashedAt, sensorFaultAt, ...closings]) {
    if (at === undefined) continue;
    const step = Math.ceil(at / STEP_MS);
    const rows = run.touched.get(step);
    if (rows === undefined) run.touched.set(step, new Set([outcome]));
    else rows.add(outcome);
  }
}

function judge(run: DeviceRun, step: number, now: FleetInstant) {
  const interval = { afterMs: run.evidence.asOf, upTo: now };
  const rows = [...(run.touched.get(step) ?? [])];
  run.touched.delete(step);
  const events = rows.flatMap((outcome) => eventsBetween(outcome, interval, run.plan));
  run.evidence = count(run.evidence, events, now);
  const decision = decideWithoutShown(run.plan, {
    evidence: run.evidence,
    exposure: run.exposure,
    now,
    rule: RULE_NOW,
  });
  run.exposure = decision.exposure;
  return decision.overall;
}

function progress(run: DeviceRun): Run {
  return { harmed: run.harmed, treated: run.exposure.granted, pauses: 0, haltedSegments: 0 };
}

function pick(parts: readonly number[], source: Prng): number {
  let left = source.next();
  for (const [index, share] of parts.entries()) {
    if (left < share) return index;
    left -= share;
  }
  return 0;
}

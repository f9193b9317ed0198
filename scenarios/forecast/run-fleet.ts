// SPDX-License-Identifier: Apache-2.0
import { decideWithoutShown } from '@outrider/domain/decision/decide';
import type { Verdict } from '@outrider/domain/decision/decision';
import type { FleetBehaviour } from '@outrider/domain/decision/forecast/behaviour';
import { RULE_NOW } from '@outrider/domain/decision/rule';
import { startExposure } from '@outrider/domain/decision/start-exposure';
import { count, emptyEvidence } from '@outrider/domain/evidence/count';
import { eventsBetween, outcomeWindowsMs } from '@outrider/domain/evidence/events';
import type { Evidence } from '@outrider/domain/evidence/evidence';
import { answerCheckIn } from '@outrider/domain/gateway/answer-check-in';
import { answerPermit } from '@outrider/domain/gateway/answer-permit';
import type { Offer } from '@outrider/domain/gateway/check-in';
import type { KnownDevice } from '@outrider/domain/gateway/device-record';
import type { LedgerOutcome, LedgerRow } from '@outrider/domain/gateway/ledger';
import { askAfter } from '@outrider/domain/gateway/poll';
import type { LiveRollout, PolicySnapshot } from '@outrider/domain/gateway/snapshot';
import type { RolloutId, SegmentId } from '@outrider/domain/kernel/ids';
import { exponential, type Prng } from '@outrider/domain/kernel/prng';
import { DAY_MS, type FleetInstant, fleetInstant, HOUR_MS, MINUTE_MS } from '@outrider/domain/kernel/time';
import type { CharterStanding } from '@outrider/domain/policy/charter';
import type { Exposure } from '@outrider/domain/policy/exposure';
import type { PolicyChange } from '@outrider/domain/policy/log';
import type { RolloutPlan } from '@outrider/domain/policy/rollout';
import { aManifest, aSnapshot, NOW } from '@outrider/testkit/small-fleet';
import { DELTAS, type WorldDevice } from './fleet-world.ts';

/** What one rollout did, device by device. Times are milliseconds since its start. */
export interface FleetRun {
  readonly verdict: Verdict;
  readonly grants: readonly { readonly device: KnownDevice; readonly waveIndex: number }[];
  readonly waves: readonly RunWave[];
  readonly completeAtMs?: number;
  readonly verified95AtMs?: number;
  readonly verified99AtMs?: number;
  readonly fetchedBytes: number;
}

export interface RunWave {
  readonly openedAtMs: number;
  /** At its end: when the next one opened, or when all were released. */
  readonly granted?: number;
  readonly fetchedBytes?: number;
}

export interface FleetRunOptions {
  readonly plan: RolloutPlan;
  readonly devices: readonly WorldDevice[];
  readonly behaviour: FleetBehaviour;
  readonly source: Prng;
  readonly daysMax: number;
  /** What people have ordered before it starts. Absent: nothing. */
  readonly ordered?: Ordered;
  /** Devices that can get the release: of them 95 and 99 % are waited for. Absent: all. */
  readonly eligible?: number;
}

/** Orders of people as the gateway meets them: entries of the policy log, and a charter. */
export interface Ordered {
  readonly changes: readonly PolicyChange[];
  readonly charter?: CharterStanding;
}

/**
 * Plays one rollout device by device with what is shipped: check-ins, permits and polls are answered by the gateway's own
 * functions, evidence is counted from ledger rows, the rule decides every ten minutes.
 */
export function runFleet(options: FleetRunOptions): FleetRun {
  const run = startRun(options);
  for (let tick = 1; tick <= (options.daysMax * DAY_MS) / TICK_MS; tick++) {
    const now = fleetInstant(NOW + tick * TICK_MS);
    for (const device of take(run.wakeUps, tick)) wake(run, device, { tick, now });
    run.verified += run.confirmations.get(tick) ?? 0;
    judge(run, { tick, now });
    note(run, tick * TICK_MS);
    if (run.verdict.kind === 'halt' || run.verdict.kind === 'pause' || run.verified99AtMs !== undefined) break;
    if ((tick - run.grantedAtTick) * TICK_MS > STILL_MS) break;
  }
  const { verdict, grants, waves, completeAtMs, verified95AtMs, verified99AtMs, fetchedBytes } = run;
  return {
    ...{ verdict, grants, waves, fetchedBytes },
    ...(completeAtMs === undefined ? {} : { completeAtMs }),
    ...(verified95AtMs === undefined ? {} : { verified95AtMs }),
    ...(verified99AtMs === undefined ? {} : { verified99AtMs }),
  };
}

const TICK_MS = 10 * MINUTE_MS;
/** No permit for so long: a ceiling of people is full. Longer than any freeze that is played. */
const STILL_MS = 14 * DAY_MS;
/** One that fails to install is tried again within six hours and succeeds. */
const RETRY_MS = 6 * HOUR_MS;
/** Failures swing by half over the day. */
const SWING = 0.5;
const HASH_BYTES = 32;

interface Device {
  readonly is: WorldDevice;
  known: KnownDevice;
  sequence: number;
  isReady: boolean;
}

interface Run {
  readonly options: FleetRunOptions;
  readonly wakeUps: Map<number, Device[]>;
  readonly touched: Map<number, Set<LedgerOutcome>>;
  readonly confirmations: Map<number, number>;
  readonly grants: { readonly device: KnownDevice; readonly waveIndex: number }[];
  readonly waves: RunWave[];
  snapshot: PolicySnapshot;
  evidence: Evidence;
  verdict: Verdict;
  verified: number;
  fetchedBytes: number;
  grantedAtTick: number;
  completeAtMs: number | undefined;
  verified95AtMs: number | undefined;
  verified99AtMs: number | undefined;
}

interface Moment {
  readonly tick: number;
  readonly now: FleetInstant;
}

function startRun(options: FleetRunOptions): Run {
  const { plan, devices, source } = options;
  const counts = new Map<string, number>();
  for (const { known } of devices) {
    const segment = known.record.attributes[plan.segmentBy];
    counts.set(segment, (counts.get(segment) ?? 0) + 1);
  }
  const populations = [...counts]
    .sort()
    .map(([segment, population]) => ({ segment: segment as SegmentId, population }));
  const ringDevices = devices.filter(({ known }) => known.record.attributes.tags.length > 0).length;
  const exposure = startExposure({ plan, populations, ringDevices, now: NOW });
  const { changes = [], charter } = options.ordered ?? {};
  const snapshot = aSnapshot([{ plan, exposure }], changes);
  const run: Run = {
    options,
    wakeUps: new Map(),
    touched: new Map(),
    confirmations: new Map(),
    grants: [],
    waves: [{ openedAtMs: 0 }],
    snapshot: withLive(snapshot, plan.rolloutId, { deltas: DELTAS, ...(charter === undefined ? {} : { charter }) }),
    evidence: emptyEvidence(plan, NOW),
    verdict: { kind: 'admit', reason: 'Started' },
    verified: 0,
    fetchedBytes: 0,
    grantedAtTick: 0,
    completeAtMs: undefined,
    verified95AtMs: undefined,
    verified99AtMs: undefined,
  };
  for (const is of devices) {
    const device = { is, known: is.known, sequence: 1, isReady: false };
    wakeAfter(run, device, { tick: 0, delayMs: exponential(source, is.contactMs) });
  }
  return run;
}

function wake(run: Run, device: Device, { tick, now }: Moment): void {
  const { rolloutId, releaseId } = run.options.plan;
  const { deviceId, status } = device.known.record;
  const sequence = ++device.sequence;
  if (!device.isReady) {
    const checkIn = { deviceId, sequence, running: status.running, state: 'idle' as const };
    const answer = answerCheckIn(run.snapshot, device.known, checkIn, now);
    device.isReady = answer.kind === 'offer';
    if (answer.kind === 'offer') run.fetchedBytes += bytesOf(answer);
    const delayMs = device.isReady ? device.is.deferralMs : exponential(run.options.source, device.is.contactMs);
    wakeAfter(run, device, { tick, delayMs });
    return;
  }
  const request = { deviceId, sequence, rolloutId, releaseId, isRollback: false };
  const answer = answerPermit(run.snapshot, device.known, request, now);
  if ('kind' in answer) wakeAfter(run, device, { tick, delayMs: answer.askAfterMs });
  else if (isFull(exposureOf(run), answer.row.segment)) {
    wakeAfter(run, device, { tick, delayMs: askAfter('cap-full', { deviceId, sequence, now }) });
  } else commit(run, device, { row: answer.row, tick, now });
}

/** The store's part: the row, the counters, and everything that will come of it, drawn ahead. */
function commit(run: Run, device: Device, { row, tick, now }: Moment & { readonly row: LedgerRow }): void {
  device.known = { ...device.known, ledger: [...device.known.ledger, row] };
  const isTreated = row.arm === 'treated';
  const outcome: LedgerOutcome = {
    position: 0,
    row,
    ...drawFaults(run.options, device.is, now),
    ...(isTreated ? drawInstall(run.options, now) : {}),
  };
  touch(run, outcome);
  if (!isTreated) {
    const situation = { deviceId: row.deviceId, sequence: device.sequence, now, enrolment: row };
    wakeAfter(run, device, { tick, delayMs: askAfter('control-arm', situation) });
    return;
  }
  const exposure = exposureOf(run);
  run.grantedAtTick = tick;
  run.grants.push({ device: device.known, waveIndex: exposure.waveIndex });
  const segments = exposure.segments.map((one) =>
    one.segment === row.segment ? { ...one, granted: one.granted + 1 } : one,
  );
  expose(run, { ...exposure, granted: exposure.granted + 1, segments });
  if (outcome.verifiedAt === undefined) return;
  const at = Math.ceil((outcome.verifiedAt - NOW) / TICK_MS);
  run.confirmations.set(at, (run.confirmations.get(at) ?? 0) + 1);
}

function drawInstall({ source, behaviour }: FleetRunOptions, now: FleetInstant): Partial<LedgerOutcome> {
  const byHour = 1 + SWING * Math.sin((2 * Math.PI * now) / DAY_MS);
  const endsAt = fleetInstant(now + 1 + Math.round(source.next() * HOUR_MS));
  if (source.next() < behaviour.revertRate * byHour) return { revertedAt: endsAt };
  if (source.next() >= behaviour.installFailureRate * byHour) return { verifiedAt: endsAt };
  return { installFailedAt: endsAt, verifiedAt: fleetInstant(endsAt + RETRY_MS) };
}

function drawFaults(
  { source, behaviour }: FleetRunOptions,
  is: WorldDevice,
  now: FleetInstant,
): Partial<LedgerOutcome> {
  const [day, threeDays, week] = is.silent;
  const luck = source.next();
  const faultAt = fleetInstant(Math.round(now + 1 + source.next() * (DAY_MS - 1)));
  const contactAt = (fromHours: number): FleetInstant => {
    return fleetInstant(Math.round(now + (fromHours + 0.1 + 20 * source.next()) * HOUR_MS));
  };
  return {
    ...(luck >= day ? { firstContactAt: contactAt(1) } : {}),
    ...(luck >= threeDays ? { secondDayContactAt: contactAt(24) } : {}),
    ...(luck >= week ? { fourthDayContactAt: contactAt(72) } : {}),
    ...(source.next() < behaviour.crashRate ? { crashedAt: faultAt } : {}),
    ...(source.next() < behaviour.sensorFaultRate ? { sensorFaultAt: faultAt } : {}),
  };
}

/** Notes in which ticks this row has something for the evidence. */
function touch(run: Run, outcome: LedgerOutcome): void {
  const { row, verifiedAt, revertedAt, installFailedAt, crashedAt, sensorFaultAt } = outcome;
  const closings = outcomeWindowsMs(run.options.plan).map((windowMs) => row.grantedAt + windowMs);
  for (const at of [row.grantedAt, verifiedAt, revertedAt, installFailedAt, crashedAt, sensorFaultAt, ...closings]) {
    if (at === undefined) continue;
    const tick = Math.ceil((at - NOW) / TICK_MS);
    run.touched.set(tick, (run.touched.get(tick) ?? new Set()).add(outcome));
  }
}

function judge(run: Run, { tick, now }: Moment): void {
  const { plan } = run.options;
  const interval = { afterMs: run.evidence.asOf, upTo: now };
  const rows = run.touched.get(tick) ?? new Set();
  run.touched.delete(tick);
  const events = [...rows].flatMap((outcome) => eventsBetween(outcome, interval, plan));
  run.evidence = count(run.evidence, events, now);
  const { haltedSegments, haltedRegions, limitDevices } = liveOf(run.snapshot, plan.rolloutId).rollout;
  const { overall, exposure } = decideWithoutShown(plan, {
    evidence: run.evidence,
    exposure: exposureOf(run),
    now,
    haltedSegments,
    ...(haltedRegions === undefined ? {} : { haltedPopulations: haltedRegions.flatMap((one) => one.populations) }),
    ...(limitDevices === undefined ? {} : { limitDevices }),
    rule: RULE_NOW,
  });
  run.verdict = overall;
  expose(run, exposure);
}

function note(run: Run, atMs: number): void {
  const { waveIndex, granted, isComplete } = exposureOf(run);
  const { waves, fetchedBytes } = run;
  const isNewlyComplete = isComplete && run.completeAtMs === undefined;
  const last = waves.at(-1);
  if (last !== undefined && (waveIndex >= waves.length || isNewlyComplete)) {
    waves[waves.length - 1] = { ...last, granted, fetchedBytes };
  }
  if (waveIndex >= waves.length) waves.push({ openedAtMs: atMs });
  if (isNewlyComplete) run.completeAtMs = atMs;
  const { devices, eligible = devices.length } = run.options;
  if (run.verified >= 0.95 * eligible) run.verified95AtMs ??= atMs;
  if (run.verified >= 0.99 * eligible) run.verified99AtMs ??= atMs;
}

function exposureOf({ snapshot, options }: Run): Exposure {
  return liveOf(snapshot, options.plan.rolloutId).exposure;
}

function expose(run: Run, exposure: Exposure): void {
  run.snapshot = withLive(run.snapshot, run.options.plan.rolloutId, { exposure });
}

/** The snapshot with a part of its one rollout replaced, as the server does it when caps move. */
function withLive(snapshot: PolicySnapshot, rolloutId: RolloutId, part: Partial<LiveRollout>): PolicySnapshot {
  const live = { ...liveOf(snapshot, rolloutId), ...part };
  return {
    ...snapshot,
    rolloutsByDeviceType: new Map([[live.rollout.plan.deviceType, [live]]]),
    rollouts: new Map([[rolloutId, live]]),
  };
}

function liveOf({ rollouts }: PolicySnapshot, rolloutId: RolloutId): LiveRollout {
  const live = rollouts.get(rolloutId);
  if (live === undefined) throw new RangeError(`There is no rollout ${rolloutId}`);
  return live;
}

function isFull(exposure: Exposure, segment: SegmentId): boolean {
  const own = exposure.segments.find((one) => one.segment === segment);
  return exposure.granted >= exposure.cap || own === undefined || own.granted >= own.cap;
}

function bytesOf(offer: Offer): number {
  const artifacts = offer.artifacts.reduce(
    (sum, { artifact }) => sum + (artifact.kind === 'full' ? artifact.bytes : artifact.delta.bytes),
    0,
  );
  const lists = aManifest().components.map(({ image }) => Math.ceil(image.bytes / image.blockBytes) * HASH_BYTES);
  return artifacts + lists.reduce((sum, one) => sum + one, 0);
}

function wakeAfter(run: Run, device: Device, wait: { readonly tick: number; readonly delayMs: number }): void {
  const at = wait.tick + Math.max(1, Math.ceil(wait.delayMs / TICK_MS));
  const others = run.wakeUps.get(at);
  if (others === undefined) run.wakeUps.set(at, [device]);
  else others.push(device);
}

function take<T>(lists: Map<number, T[]>, key: number): readonly T[] {
  const found = lists.get(key) ?? [];
  lists.delete(key);
  return found;
}

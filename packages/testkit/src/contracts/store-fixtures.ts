// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import type { ServerStore } from '@outrider/domain/decision/server-store';
import type { DeviceRecord } from '@outrider/domain/gateway/device-record';
import type { LedgerRow } from '@outrider/domain/gateway/ledger';
import type { PermitCommit, PermitProposal, ReportLog } from '@outrider/domain/gateway/ports';
import type { ReportEvent } from '@outrider/domain/gateway/report';
import { present } from '@outrider/domain/kernel/assert';
import type { Brand } from '@outrider/domain/kernel/brand';
import {
  type DeviceId,
  type Epoch,
  type KeyId,
  type PermitId,
  parseId,
  parseSha256,
  type ReleaseCounter,
  type ReleaseId,
  type Revision,
  type RolloutId,
  type SegmentId,
  type Sha256,
} from '@outrider/domain/kernel/ids';
import { durationMs, type FleetInstant, fleetInstant, HOUR_MS } from '@outrider/domain/kernel/time';
import { defaultGates, defaultWaves } from '@outrider/domain/policy/default-plan';
import type { Exposure } from '@outrider/domain/policy/exposure';
import type { PolicyChange, PolicyEntry } from '@outrider/domain/policy/log';
import type { RolloutEvent, RolloutPlan } from '@outrider/domain/policy/rollout';

/** A small world for the contracts of a server's store: one rollout on two segments, and devices by number. */
export const ROLLOUT = idOf<RolloutId>('camera-2.0.0');
export const OTHER_ROLLOUT = idOf<RolloutId>('camera-3.0.0');
export const RELEASE = idOf<ReleaseId>('camera-release-2');
export const TWIN = idOf<ReleaseId>('camera-release-2-back');
export const REV_A = idOf<SegmentId>('rev-a');
export const REV_B = idOf<SegmentId>('rev-b');
export const NORTH = 'north';

/** Fleet time in the contracts: so many minutes after an arbitrary midnight. */
export function at(minutes: number): FleetInstant {
  return fleetInstant(1_800_000_000_000 + minutes * 60_000);
}

export function idOf<T extends Brand<string, string>>(text: string): T {
  const parsed = parseId<T>('id of a contract', text);
  assert.ok(parsed.ok);
  return parsed.value;
}

export function digestOf(text: string): Sha256 {
  const parsed = parseSha256(hash('sha256', text, 'hex'));
  assert.ok(parsed.ok);
  return parsed.value;
}

/** Camera number `number`; every second one has hardware revision b. */
export function deviceIdOf(number: number): DeviceId {
  return idOf<DeviceId>(`camera-${String(number).padStart(6, '0')}`);
}

export function device(number: number): DeviceRecord {
  return {
    deviceId: deviceIdOf(number),
    publicKey: publicKeyOf(`key of camera ${number}`),
    attributes: {
      deviceType: 'camera',
      model: 'c1',
      hardwareId: segmentOf(number),
      region: NORTH,
      customer: 'acme',
      carrier: 'wire',
      tags: number === 0 ? ['dogfood'] : [],
    },
    registeredAt: at(0),
    status: {
      sequence: 0,
      lastContactAt: at(0),
      running: {
        version: '1.0.0',
        releaseCounter: counterOf(1),
        components: [{ name: 'main', digest: digestOf('1') }],
      },
      state: 'idle',
    },
  };
}

export function publicKeyOf(text: string): DeviceRecord['publicKey'] {
  const publicKey = hash('sha256', text, 'base64');
  return { keyId: idOf<KeyId>(digestOf(publicKey)), publicKey };
}

export function segmentOf(number: number): SegmentId {
  return number % 2 === 0 ? REV_A : REV_B;
}

// The constructors of the counting brands, for tests.
export function counterOf(count: number): ReleaseCounter {
  return count as ReleaseCounter;
}

export function epochOf(count: number): Epoch {
  return count as Epoch;
}

export function revisionOf(count: number): Revision {
  return count as Revision;
}

export function planOf(rolloutId: RolloutId): RolloutPlan {
  return {
    rolloutId,
    deviceType: 'camera',
    releaseId: RELEASE,
    audience: { kind: 'everyone' },
    salt: `salt-of-${rolloutId}`,
    segmentBy: 'hardwareId',
    waves: defaultWaves(),
    gates: defaultGates(),
    onSegmentHalt: 'exclude-segment',
    onHalt: 'roll-back',
    permitLifeMs: HOUR_MS,
  };
}

/** An exposure with this cap, and caps of its segments; each segment has a thousand devices. */
export function exposureOf(rolloutId: RolloutId, cap: number, segmentCap: number = cap): Exposure {
  return {
    rolloutId,
    waveIndex: 0,
    waveStartedAt: at(0),
    pi: 0.2,
    cap,
    granted: 0,
    segments: [REV_A, REV_B].map((segment) => ({ segment, population: 1_000, cap: segmentCap, granted: 0 })),
    downloadsAllowed: 100,
    isComplete: false,
  };
}

/** Appends an entry on top of whatever is newest. */
export async function append(store: ServerStore, change: PolicyChange, exposure?: Exposure): Promise<PolicyEntry> {
  const entries = await store.policyLog.loadEntries(revisionOf(0));
  const appended = await store.policyLog.appendEntry({
    expected: entries.at(-1)?.revision ?? revisionOf(0),
    at: at(0),
    author: 'contract',
    change,
    ...(exposure === undefined ? {} : { exposure }),
  });
  assert.ok(appended.ok, `an entry ${change.kind} on the newest revision`);
  return appended.value;
}

export async function appendEvent(
  store: ServerStore,
  event: RolloutEvent,
  options: {
    readonly rolloutId?: RolloutId;
    readonly exposure?: Exposure;
    readonly isIncludingRollback?: boolean;
  } = {},
): Promise<PolicyEntry> {
  const { rolloutId = ROLLOUT, exposure, isIncludingRollback } = options;
  const stops = isIncludingRollback === undefined ? {} : { isIncludingRollback };
  return await append(
    store,
    { kind: 'rollout-event', rolloutId, event, reason: `for the ${event}`, ...stops },
    exposure,
  );
}

/** A rollout that is running, with this exposure: its epoch is 1. */
export async function startRollout(store: ServerStore, exposure: Exposure): Promise<void> {
  const { rolloutId } = exposure;
  await append(store, { kind: 'rollout-created', plan: planOf(rolloutId) });
  await appendEvent(store, 'approve', { rolloutId });
  await appendEvent(store, 'start', { rolloutId, exposure });
}

/** A treated first enrolment of device `number` under epoch 1, asked at minute 0, unless said otherwise. */
export function proposal(number: number, changes: Partial<LedgerRow> = {}): PermitProposal {
  const row: LedgerRow = {
    rolloutId: ROLLOUT,
    deviceId: deviceIdOf(number),
    enrolment: 1,
    kind: 'enrolment',
    releaseId: RELEASE,
    segment: segmentOf(number),
    arm: 'treated',
    piBefore: 0,
    pi: 0.2,
    piEffective: 0.2,
    isRing: false,
    isPanel: number % 10 === 0,
    permitId: idOf<PermitId>(`permit-${number}`),
    epoch: epochOf(1),
    grantedAt: at(0),
    permitLifeMs: durationMs(HOUR_MS),
    ...changes,
  };
  return { row, region: NORTH };
}

/** The way back of device `number`, under the epoch of the roll-back. */
export function rollbackProposal(number: number, epoch: number): PermitProposal {
  return proposal(number, {
    kind: 'rollback',
    enrolment: 0,
    releaseId: TWIN,
    permitId: idOf<PermitId>(`permit-back-${number}`),
    epoch: epochOf(epoch),
  });
}

export async function commitOne(store: ServerStore, one: PermitProposal): Promise<PermitCommit> {
  return present((await store.ledger.commitPermits([one]))[0], 'an answer to the proposal');
}

/** `committed`, or the code of the refusal, for each. */
export function codesOf(commits: readonly PermitCommit[]): readonly string[] {
  return commits.map((one) => (one.kind === 'refused' ? one.code : one.kind));
}

export type SignedReport = Parameters<ReportLog['appendReports']>[0][number];

/** What device `number` reports about its permit; a fault without a permit when `permitId` is null. */
export function signedReport(
  number: number,
  event: ReportEvent,
  options: { readonly sequence?: number; readonly minutes?: number; readonly permitId?: PermitId | null } = {},
): SignedReport {
  const { sequence = 1, minutes = 5, permitId = idOf<PermitId>(`permit-${number}`) } = options;
  return {
    report: {
      deviceId: deviceIdOf(number),
      sequence,
      rolloutId: ROLLOUT,
      releaseId: RELEASE,
      ...(permitId === null ? {} : { permitId }),
      event,
      running: device(number).status.running,
      detail: '',
    },
    receivedAt: at(minutes),
    signedBody: `{"sequence":${sequence}}`,
    signature: 'c2lnbmF0dXJl',
  };
}

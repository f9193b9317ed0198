// SPDX-License-Identifier: Apache-2.0
import { compileSnapshot } from '@outrider/domain/gateway/compile-snapshot';
import type { DeviceRecord, KnownDevice } from '@outrider/domain/gateway/device-record';
import type { LedgerRow } from '@outrider/domain/gateway/ledger';
import type { PolicySnapshot } from '@outrider/domain/gateway/snapshot';
import type { Brand } from '@outrider/domain/kernel/brand';
import type {
  Bytes,
  DeviceId,
  KeyId,
  ReleaseCounter,
  ReleaseId,
  Revision,
  RolloutId,
  SegmentId,
  Sha256,
} from '@outrider/domain/kernel/ids';
import { parseId, parseSha256 } from '@outrider/domain/kernel/ids';
import { type FleetInstant, fleetInstant } from '@outrider/domain/kernel/time';
import type { DeviceAttributes } from '@outrider/domain/policy/attributes';
import { defaultGates, defaultWaves, PERMIT_LIFE_MS_DEFAULT } from '@outrider/domain/policy/default-plan';
import type { Exposure } from '@outrider/domain/policy/exposure';
import { emptyPolicy, foldEntries, type Policy } from '@outrider/domain/policy/fold';
import type { PolicyChange } from '@outrider/domain/policy/log';
import type { RolloutEvent, RolloutPlan } from '@outrider/domain/policy/rollout';
import type { Component, PublishedRelease, ReleaseManifest } from '@outrider/domain/release/release';
import { RELEASE_MANIFEST_TYPE } from '@outrider/domain/release/release';

/** The instant at which small fleets live. */
export const NOW: FleetInstant = fleetInstant(1_800_000_000_000);

/** An id of a test; throws when the text is none. */
export function id<T extends Brand<string, string>>(text: string): T {
  const parsed = parseId<T>('id', text);
  if (!parsed.ok) throw new TypeError(`The text ${text} is no id`);
  return parsed.value;
}

/** A digest of a test: the same digit 64 times. */
export function digestOf(hexadecimalDigit: string): Sha256 {
  const parsed = parseSha256(hexadecimalDigit.repeat(64));
  if (!parsed.ok) throw new TypeError(`The text ${hexadecimalDigit} is no hexadecimal digit`);
  return parsed.value;
}

/** A component of hardware rev-a, rev-b and rev-c whose image is named by one hexadecimal digit. */
export function aComponent(digit: string, overrides: Partial<Component> = {}): Component {
  return {
    name: 'main',
    hardwareIds: ['rev-a', 'rev-b', 'rev-c'],
    image: {
      digest: digestOf(digit),
      bytes: 1_000_000 as Bytes,
      blockBytes: 65_536 as Bytes,
      blocksDigest: digestOf('9'),
    },
    ...overrides,
  };
}

/** Version 1.1.0, counter 2, with 1.0.0 under counter 3 as its rollback twin. */
export function aManifest(overrides: Partial<ReleaseManifest> = {}): ReleaseManifest {
  return {
    schema: 1,
    releaseId: id<ReleaseId>('camera-1.1.0'),
    deviceType: 'camera',
    version: '1.1.0',
    releaseCounter: 2 as ReleaseCounter,
    components: [aComponent('b')],
    dependencies: [],
    notes: '',
    rollbackTwin: {
      releaseId: id<ReleaseId>('camera-1.1.0-back'),
      version: '1.0.0',
      releaseCounter: 3 as ReleaseCounter,
      components: [aComponent('a')],
    },
    ...overrides,
  };
}

/** A plan for everyone by hardware revision, with the default gates and waves. */
export function aPlan(overrides: Partial<RolloutPlan> = {}): RolloutPlan {
  return {
    rolloutId: id<RolloutId>('r1'),
    deviceType: 'camera',
    releaseId: id<ReleaseId>('camera-1.1.0'),
    audience: { kind: 'everyone' },
    salt: 'salt-of-r1',
    segmentBy: 'hardwareId',
    waves: defaultWaves(),
    gates: defaultGates(),
    onSegmentHalt: 'halt-rollout',
    onHalt: 'roll-back',
    permitLifeMs: PERMIT_LIFE_MS_DEFAULT,
    ...overrides,
  };
}

/** Wide open at pi 0.5 in the last wave, over three segments of 1,000 devices. */
export function anExposure(overrides: Partial<Exposure> = {}): Exposure {
  return {
    rolloutId: id<RolloutId>('r1'),
    waveIndex: 4,
    waveStartedAt: NOW,
    pi: 0.5,
    cap: 3_000,
    granted: 0,
    segments: ['rev-a', 'rev-b', 'rev-c'].map((segment) => ({
      segment: id<SegmentId>(segment),
      population: 1_000,
      cap: 1_000,
      granted: 0,
    })),
    downloadsAllowed: 3_000,
    isComplete: false,
    ...overrides,
  };
}

/** One rollout of a small fleet: approved and started, then moved by `events`. */
export interface SmallRollout {
  readonly plan?: RolloutPlan;
  readonly manifest?: ReleaseManifest;
  readonly exposure?: Exposure;
  readonly events?: readonly RolloutEvent[];
  readonly haltedSegments?: readonly string[];
  readonly withdrawnReason?: string;
}

/** A snapshot of these rollouts, folded and compiled as the server does it. */
export function aSnapshot(rollouts: readonly SmallRollout[], changes: readonly PolicyChange[] = []): PolicySnapshot {
  return compileSnapshot({
    policy: aPolicy([...rollouts.flatMap(changesOf), ...changes]),
    releases: rollouts.map(publishedOf),
    deltas: [],
    exposures: rollouts.map((one) => one.exposure ?? anExposure()),
  });
}

/** The policy after these changes. */
export function aPolicy(changes: readonly PolicyChange[]): Policy {
  const entries = changes.map((change, index) => ({
    revision: (index + 1) as Revision,
    at: NOW,
    author: 'operator',
    change,
  }));
  return foldEntries(emptyPolicy(), entries);
}

/** Everything a device is, apart from its ledger rows; each part may be replaced. */
export interface SmallDevice {
  readonly deviceId?: string;
  readonly attributes?: Partial<DeviceAttributes>;
  readonly version?: string;
  readonly releaseCounter?: number;
  readonly image?: string;
  readonly ledger?: readonly LedgerRow[];
}

/** A camera of hardware rev-a that runs 1.0.0 under counter 1. */
export function aDevice(parts: SmallDevice = {}): KnownDevice {
  const { deviceId = 'd1', version = '1.0.0', releaseCounter = 1, image = 'a', ledger = [] } = parts;
  const record: DeviceRecord = {
    deviceId: id<DeviceId>(deviceId),
    publicKey: { keyId: id<KeyId>('0'.repeat(64)), publicKey: `${'A'.repeat(43)}=` },
    attributes: {
      deviceType: 'camera',
      model: 'm1',
      hardwareId: 'rev-a',
      region: 'eu',
      customer: 'c1',
      carrier: 'none',
      tags: [],
      ...parts.attributes,
    },
    registeredAt: NOW,
    status: {
      sequence: 1,
      lastContactAt: NOW,
      running: {
        version,
        releaseCounter: releaseCounter as ReleaseCounter,
        components: [{ name: 'main', digest: digestOf(image) }],
      },
      state: 'idle',
    },
  };
  return { record, ledger };
}

function changesOf({ plan = aPlan(), events = [], haltedSegments = [] }: SmallRollout): readonly PolicyChange[] {
  const { rolloutId } = plan;
  const event = (one: RolloutEvent): PolicyChange => ({
    kind: 'rollout-event',
    rolloutId,
    event: one,
    reason: `Test: ${one}`,
  });
  return [
    { kind: 'rollout-created', plan },
    ...(['approve', 'start'] as const).map(event),
    ...haltedSegments.map((segment): PolicyChange => {
      return { kind: 'segment-halted', rolloutId, segment: id<SegmentId>(segment), reason: 'Test' };
    }),
    ...events.map(event),
  ];
}

function publishedOf({ manifest = aManifest(), withdrawnReason }: SmallRollout): PublishedRelease {
  return {
    manifest,
    envelope: { payloadType: RELEASE_MANIFEST_TYPE, payload: '{}', signatures: [] },
    publishedAt: NOW,
    ...(withdrawnReason === undefined ? {} : { withdrawnAt: NOW, withdrawnReason }),
  };
}

// SPDX-License-Identifier: Apache-2.0
import { signerFromSeed } from '@outrider/adapters/shared/ed25519';
import { foundRepositories } from '@outrider/adapters/shared/found-repositories';
import { metadataDigest, metadataSigner } from '@outrider/adapters/shared/metadata-keys';
import { publish, signMetadata } from '@outrider/adapters/shared/metadata-repository';
import type { CheckInAnswer } from '@outrider/domain/gateway/check-in';
import { assert } from '@outrider/domain/kernel/assert';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { err, ok } from '@outrider/domain/kernel/result';
import { after, type FleetInstant } from '@outrider/domain/kernel/time';
import type { Floors } from '@outrider/domain/release/floors';
import { nextReleaseTargets, releaseTarget, targetPath } from '@outrider/domain/release/release-targets';
import { utf8Length } from '@outrider/domain/trust/envelope';
import type { TrustRoots } from '@outrider/domain/trust/role';
import { LIFETIMES } from '@outrider/domain/trust/tuf/ceremony';
import type { TargetFile, TargetsMetadata } from '@outrider/domain/trust/tuf/metadata';
import type { MetadataSigner, MetadataSource } from '@outrider/domain/trust/tuf/ports';
import { nextFleetTimestamp } from '@outrider/domain/trust/tuf/publication';
import { metadataReader } from '@outrider/protocol/trust/tuf/read-metadata';
import { type DeviceLab, LAB_DEVICE_TYPE, LAB_HARDWARE_ID } from './device-lab.ts';

/** Both repositories of a lab: its releases vouched for, and a director that says what a test wants. */
export interface LabRepositories extends MetadataSource {
  /** What a device of the lab pins. */
  readonly roots: TrustRoots;
  /** By name below `/repo/`: a test may change what is served. */
  readonly files: Map<string, string>;
  readonly keys: Readonly<Record<'root' | 'snapshot' | 'timestamp' | 'director' | 'build' | 'releng', MetadataSigner>>;
  /** Publishes the lab's releases and the fleet's timestamp anew at this instant. */
  renew(now: FleetInstant, policyEpoch?: number): Promise<void>;
  /** The answer with the director's word for the device. */
  direct(
    answer: CheckInAnswer,
    said: {
      readonly deviceId: DeviceId;
      readonly now: FleetInstant;
      readonly change?: (file: TargetFile) => TargetFile;
    },
  ): Promise<CheckInAnswer>;
}

/** Repositories of a lab, founded at this instant; the same lab gives the same ones. Its newest release brings the floors. */
export async function labRepositories(lab: DeviceLab, now: FleetInstant, floors?: Floors): Promise<LabRepositories> {
  const [build, releng] = lab.releaseSigners;
  assert(build !== undefined && releng !== undefined, 'two groups that sign releases');
  const keys = {
    root: labKey(11),
    snapshot: labKey(12),
    timestamp: labKey(13),
    director: metadataSigner(lab.permitSigner),
    build: metadataSigner(build),
    releng: metadataSigner(releng),
  };
  const files = new Map<string, string>();
  const store = {
    loadMetadata: async (name: string) => files.get(name),
    storeMetadata: async (name: string, text: string) => void files.set(name, text),
  };
  const founded = await foundRepositories(store, {
    rootKeys: [{ keyId: keys.root.keyId, key: keys.root.key }],
    rootThreshold: 1,
    rootSigners: [keys.root],
    online: keys,
    models: [
      {
        name: LAB_DEVICE_TYPE,
        keys: [
          { keyId: keys.build.keyId, key: keys.build.key, group: 'build' },
          { keyId: keys.releng.keyId, key: keys.releng.key, group: 'release-engineering' },
        ],
        threshold: 2,
      },
    ],
    now,
  });
  assert(founded.ok, 'repositories of a lab that can be founded');

  async function renew(at: FleetInstant, policyEpoch = 1): Promise<void> {
    let targets = formerTargets(files);
    for (const [index, { manifest, envelope }] of lab.releases.entries()) {
      const formerCounter = lab.releases[index - 1]?.manifest.releaseCounter;
      const release = {
        ...{ manifest, payload: envelope.payload, now: at },
        ...(formerCounter === undefined ? {} : { formerCounter }),
        ...(floors !== undefined && index === lab.releases.length - 1 ? { floors } : {}),
      };
      targets = { ...nextReleaseTargets(targets, release, metadataDigest), version: targets?.version ?? 0 };
    }
    assert(targets !== undefined, 'a lab with a release');
    const text = await signMetadata({ ...targets, version: targets.version + 1 }, [keys.build, keys.releng]);
    const changed = new Map([[LAB_DEVICE_TYPE, text]]);
    const published = await publish(store, { folder: 'image', targets: changed, signers: keys, now: at });
    assert(published.ok, 'a publication that devices accept');
    const { timestamp } = published.value;
    assert(timestamp !== undefined, 'a timestamp after a publication');
    const former = files.get('director/timestamp.json');
    const before = former === undefined ? undefined : metadataReader.timestamp(former);
    const next = nextFleetTimestamp(before?.ok ? before.value.signed : undefined, {
      snapshot: timestamp.signed.snapshot,
      policyEpoch,
      now: at,
    });
    files.set('director/timestamp.json', await signMetadata(next, [keys.director]));
  }
  await renew(now);

  return {
    roots: { image: files.get('image/1.root.json') ?? '', director: files.get('director/1.root.json') ?? '' },
    files,
    keys,
    renew,
    async fetchMetadata(name, bytesMax) {
      const text = files.get(name);
      if (text !== undefined && utf8Length(text) > bytesMax) return err({ code: 'too-long', detail: name });
      return ok(text);
    },
    async direct(answer, { deviceId, now: at, change = (file) => file }) {
      if (answer.kind === 'refusal') return answer;
      const release = lab.releases.find(({ envelope }) => envelope.payload === answer.release.payload);
      const meant = answer.isRollback ? release?.manifest.rollbackTwin : release?.manifest;
      assert(meant !== undefined, 'an offer of the lab');
      const claim = { releaseCounter: meant.releaseCounter, hardwareIds: [LAB_HARDWARE_ID] };
      const file = change(releaseTarget(answer.release.payload, claim, metadataDigest));
      const targets: TargetsMetadata = {
        type: 'targets',
        version: Math.max(1, at),
        expiresAt: after(at, LIFETIMES['device-targets']),
        targets: new Map([[targetPath(LAB_DEVICE_TYPE, answer.releaseId), file]]),
        deviceId,
      };
      return { ...answer, director: await signMetadata(targets, [keys.director]) };
    },
  };
}

function labKey(seed: number): MetadataSigner {
  return metadataSigner(signerFromSeed(new Uint8Array(32).fill(seed)));
}

function formerTargets(files: ReadonlyMap<string, string>): TargetsMetadata | undefined {
  for (let version = 1, found: TargetsMetadata | undefined; ; version++) {
    const text = files.get(`image/${version}.${LAB_DEVICE_TYPE}.json`);
    const read = text === undefined ? undefined : metadataReader.targets(text);
    if (!read?.ok) return found;
    found = read.value.signed;
  }
}

// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { loadKeyFrom } from '@outrider/adapters/shared/key-on-disk';
import { metadataDigest, metadataSigner } from '@outrider/adapters/shared/metadata-keys';
import {
  loadPublished,
  metadataFolder,
  REPOSITORY_FOLDER,
  signMetadata,
} from '@outrider/adapters/shared/metadata-repository';
import type { Offer } from '@outrider/domain/gateway/check-in';
import { assert, present } from '@outrider/domain/kernel/assert';
import { after } from '@outrider/domain/kernel/time';
import { releaseTarget, type TargetClaim, targetPath } from '@outrider/domain/release/release-targets';
import type { Signer } from '@outrider/domain/trust/ports';
import { LIFETIMES } from '@outrider/domain/trust/tuf/ceremony';
import { nextSnapshot, nextTimestamp, referenceTo } from '@outrider/domain/trust/tuf/publication';
import type { Scene } from './scene.ts';

/** The director's word for the device of a scene, by the stolen key: he names what he likes. */
export async function directed(scene: Scene, offer: Offer, counter: number): Promise<Offer> {
  const { deviceType, deviceId, stage } = scene;
  const now = scene.now();
  const file = releaseTarget(offer.release.payload, claimFor(counter), metadataDigest);
  const director = await signMetadata(
    {
      type: 'targets',
      version: now,
      expiresAt: after(now, LIFETIMES['device-targets']),
      targets: new Map([[targetPath(deviceType, offer.releaseId), file]]),
      deviceId,
    },
    [metadataSigner(stage.permitSigner)],
  );
  return { ...offer, director };
}

/**
 * An image repository as a thief of the server serves it on the way to the device: the model's role names the release of this offer, signed
 * by these, below a snapshot and a timestamp that he signs with the stolen keys.
 */
export async function serveForged(
  scene: Scene,
  offer: Pick<Offer, 'releaseId' | 'release'>,
  { counter, signers }: { readonly counter: number; readonly signers: readonly Signer[] },
): Promise<void> {
  const { dataFolder } = scene.stage.installation;
  const { deviceType } = scene;
  const published = present(
    await loadPublished(metadataFolder(join(dataFolder, REPOSITORY_FOLDER)), 'image'),
    'repositories',
  );
  const former = present(published.targets.get(deviceType), 'what the role of the model says').document.signed;
  const [snapshotKey, timestampKey] = [await stolen(dataFolder, 'snapshot'), await stolen(dataFolder, 'timestamp')];
  const file = releaseTarget(offer.release.payload, claimFor(counter), metadataDigest);
  const version = former.version + 1;
  const entries = new Map([...former.targets, [targetPath(deviceType, offer.releaseId), file] as const]);
  const targets = await signMetadata({ ...former, version, targets: entries }, signers.map(metadataSigner));
  // Above whatever the honest server signs while the device takes its time.
  const now = after(scene.now(), AHEAD);
  const changed = new Map([[`${deviceType}.json`, referenceTo(targets, version, metadataDigest)]]);
  const snapshot = nextSnapshot(published.snapshot?.signed, { changed, now });
  const snapshotText = await signMetadata(snapshot, [snapshotKey]);
  const reference = referenceTo(snapshotText, snapshot.version, metadataDigest);
  const timestamp = nextTimestamp(published.timestamp?.signed, { snapshot: reference, now });
  const served = new Map([
    [`image/${version}.${deviceType}.json`, targets],
    [`image/${snapshot.version}.snapshot.json`, snapshotText],
    ['image/timestamp.json', await signMetadata(timestamp, [timestampKey])],
  ]);
  scene.wire.document = (name) => served.get(name);
}

const AHEAD = LIFETIMES.snapshot;

async function stolen(dataFolder: string, name: 'snapshot' | 'timestamp') {
  const key = await loadKeyFrom(join(dataFolder, `${name}-key.json`));
  assert(key.ok && key.value !== undefined, 'a key of the server');
  return metadataSigner(key.value);
}

function claimFor(counter: number): TargetClaim {
  // The counter as the thief claims it.
  return { releaseCounter: counter as TargetClaim['releaseCounter'], hardwareIds: ['rev-a'] };
}

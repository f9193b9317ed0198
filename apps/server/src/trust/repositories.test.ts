// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type SteppedClock, steppedClock } from '@outrider/adapters/shared/clock';
import { signerFromSeed } from '@outrider/adapters/shared/ed25519';
import { foundRepositories } from '@outrider/adapters/shared/found-repositories';
import { refresh, refreshTimestamp, resolveTarget } from '@outrider/adapters/shared/metadata-client';
import { metadataDigest, metadataSigner } from '@outrider/adapters/shared/metadata-keys';
import {
  loadPublished,
  metadataFolder,
  signMetadata,
  trustContext,
} from '@outrider/adapters/shared/metadata-repository';
import type { Offer } from '@outrider/domain/gateway/check-in';
import { present } from '@outrider/domain/kernel/assert';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { ok } from '@outrider/domain/kernel/result';
import { durationMs, fleetInstant, HOUR_MS, after as later } from '@outrider/domain/kernel/time';
import type { ReleaseManifest } from '@outrider/domain/release/release';
import { nextReleaseTargets, targetPath } from '@outrider/domain/release/release-targets';
import type { MetadataStore } from '@outrider/domain/trust/tuf/ports';
import { metadataReader } from '@outrider/protocol/trust/tuf/read-metadata';
import { deviceLab, LAB_DEVICE_TYPE, LAB_HARDWARE_ID } from '@outrider/testkit/device-lab';
import { createSmallDisk } from '@outrider/testkit/small-disk';
import { type DirectorWords, directorWords } from './director-words.ts';
import { type Repositories, repositories } from './repositories.ts';

const NOW = fleetInstant(1_800_000_000_000);
const disk = await createSmallDisk(4_194_304);
after(() => disk.remove());
const lab = await deviceLab([{ main: Buffer.from('one') }, { main: Buffer.from('two') }]);
const key = (seed: number) => metadataSigner(signerFromSeed(new Uint8Array(32).fill(seed)));
const [root, build, releng] = [key(1), key(2), key(3)];
const keys = { snapshot: key(4), timestamp: key(5), director: key(6) };

test('a disk that fills up at any write of a publication leaves the former metadata served whole, and says so', async () => {
  let isWhole = false;
  for (let write = 1; !isWhole; write++) {
    const folder = join(disk.folder, `full-at-${write}`);
    const files = metadataFolder(folder);
    let left = Number.POSITIVE_INFINITY;
    const served = await founded({
      ...files,
      async storeMetadata(name, text) {
        if (--left === 0) await disk.fill();
        return files.storeMetadata(name, text);
      },
    });
    assert.ok((await vouchFor(served, files, 0)).ok);
    left = write;
    const refused = await vouchFor(served, files, 1);
    isWhole = left > 0;
    if (!isWhole) {
      assert.equal(refused.ok ? 'taken' : refused.error.code, 'storage-full');
      assert.match(
        refused.ok ? '' : refused.error.detail,
        /nothing was published and the former metadata stays served/,
      );
      assert.deepEqual(await seenByDevice(served, 0), 'found');
      assert.deepEqual(await seenByDevice(served, 1), 'target-unknown');
      const names = await readdir(join(folder, 'image'));
      assert.deepEqual(
        names.filter((name) => name.endsWith('.new')),
        [],
        'nothing half-written stays',
      );
      await disk.free();
      left = Number.POSITIVE_INFINITY;
      assert.ok((await vouchFor(served, files, 1)).ok, 'and once there is room the same publication goes through');
    }
    assert.deepEqual(await seenByDevice(served, 1), 'found');
    assert.ok(write < 10, 'a publication of a few writes');
  }
});

test('a server whose disk is full goes on serving the words that it can no longer sign anew', async () => {
  const files = metadataFolder(join(disk.folder, 'full-for-long'));
  const clock = steppedClock(later(NOW, HOUR_MS));
  const errors: string[] = [];
  await founded(files);
  const served = reading(files, () => 1, { clock, errors });
  assert.ok((await vouchFor(served, files, 0)).ok);
  const words = ['director/timestamp.json', 'image/timestamp.json'];
  const before = await Promise.all(words.map((name) => served.read(name)));
  await disk.fill();
  clock.stepTo(later(clock.now(), durationMs(13 * HOUR_MS)));
  assert.deepEqual(await Promise.all(words.map((name) => served.read(name))), before);
  assert.match(errors.join(), /The disk is full, so metadata was not signed anew/);
  await disk.free();
  const after = await Promise.all(words.map((name) => served.read(name)));
  assert.ok(after.every((text, index) => text !== undefined && text !== before[index]));
});

test('a server that is behind with its policy takes no word of another server to the fleet back', async () => {
  const files = memory();
  const epochs = { ahead: 7, behind: 6 };
  const ahead = await founded(files, () => epochs.ahead);
  const behind = reading(files, () => epochs.behind);
  assert.ok((await vouchFor(ahead, files, 0)).ok);
  const kept = new Map<string, string>();
  const device = { ...followed(ahead, kept), pinnedRoot: present(await ahead.roots(), 'roots').director };
  const epochSeen = async (from: Repositories) => {
    const seen = await refreshTimestamp({ ...device, source: sourceOf(from) });
    return seen.ok ? seen.value.timestamp?.signed.fleet?.policyEpoch : seen.error.code;
  };
  assert.equal(await epochSeen(ahead), 7);
  assert.equal(await epochSeen(behind), 7);
  epochs.behind = 9;
  assert.equal(await epochSeen(behind), 9);
  assert.equal(await epochSeen(ahead), 9, 'the one that was ahead is behind now');
});

test('what floors mean for a plan is read from what the people of its model have signed', async () => {
  const files = memory();
  const served = await founded(files);
  assert.ok((await vouchFor(served, files, 0)).ok);
  const [first, second] = lab.releases.map(({ manifest }) => manifest) as [ReleaseManifest, ReleaseManifest];
  assert.deepEqual(await served.floorsFor(first), {});
  const floors = { security: second.releaseCounter };
  assert.ok((await vouchFor(served, files, 1, { floors, formerCounter: first.releaseCounter })).ok);
  assert.deepEqual((await served.floorsFor(first)).raised, floors);
  assert.equal((await served.floorsFor(second)).wayBack?.contentCounter, first.releaseCounter);
});

test('the director signs once for an offer that is repeated for hours, and anew once the device has heard another gateway', async () => {
  const files = memory();
  assert.ok((await vouchFor(await founded(files), files, 0)).ok);
  const clock = steppedClock(later(NOW, HOUR_MS));
  const words = directorWords();
  const [here, there] = [reading(files, () => 1, { clock, words }), reading(files, () => 1, { clock })];
  const device = { deviceId: 'camera-7' as DeviceId, hardwareId: LAB_HARDWARE_ID };
  const said = async (by: Repositories) => present((await by.direct(offerOf(0), device)).director, 'a word');
  const first = await said(here);
  clock.stepTo(later(clock.now(), HOUR_MS));
  assert.equal(await said(here), first);
  const elsewhere = await said(there);
  assert.notEqual(elsewhere, first);
  words.forget(device.deviceId);
  clock.stepTo(later(clock.now(), HOUR_MS));
  const [former, next] = [metadataReader.targets(elsewhere), metadataReader.targets(await said(here))];
  assert.ok(former.ok && next.ok && next.value.signed.version > former.value.signed.version, 'no word goes back');
  const kept = await said(here);
  clock.stepTo(later(clock.now(), durationMs(22 * HOUR_MS)));
  assert.notEqual(await said(here), kept, 'its day is nearly over');
  await here.renew();
  assert.ok((await here.direct(offerOf(0), { ...device, hardwareId: 'other' })).director, 'the keys are read anew');
});

function offerOf(index: number): Offer {
  const { manifest, envelope } = present(lab.releases[index], 'a release of the lab');
  return {
    kind: 'offer',
    rolloutId: 'rollout-1' as Offer['rolloutId'],
    releaseId: manifest.releaseId,
    epoch: 1 as Offer['epoch'],
    release: envelope,
    isRollback: false,
    artifacts: [],
    pollAfterMs: HOUR_MS,
  };
}

function memory(): MetadataStore {
  const documents = new Map<string, string>();
  return {
    loadMetadata: async (name) => documents.get(name),
    storeMetadata: async (name, text) => void documents.set(name, text),
  };
}

async function founded(files: MetadataStore, epoch = () => 1): Promise<Repositories> {
  const named = (signer: typeof root) => ({ keyId: signer.keyId, key: signer.key });
  const made = await foundRepositories(files, {
    rootKeys: [named(root)],
    rootThreshold: 1,
    rootSigners: [root],
    online: keys,
    models: [
      {
        name: LAB_DEVICE_TYPE,
        keys: [
          { ...named(build), group: 'build' },
          { ...named(releng), group: 'release-engineering' },
        ],
        threshold: 2,
      },
    ],
    now: NOW,
  });
  assert.deepEqual(made, ok('founded'));
  return reading(files, epoch);
}

function reading(
  files: MetadataStore,
  policyEpoch: () => number,
  {
    clock = steppedClock(later(NOW, HOUR_MS)),
    errors = [],
    words,
  }: { readonly clock?: SteppedClock; readonly errors?: string[]; readonly words?: DirectorWords } = {},
): Repositories {
  const log = { info() {}, warn() {}, error: (_fields: object, message: string) => void errors.push(message) };
  const ports = { files, loadKeys: async () => keys };
  return repositories({ ports, fleetClock: clock, policyEpoch, ...(words && { words }), log });
}

/** The lab's release of this number, as its two groups sign it after what is published. */
async function vouchFor(
  served: Repositories,
  files: MetadataStore,
  index: number,
  said: Pick<Parameters<typeof nextReleaseTargets>[1], 'floors' | 'formerCounter'> = {},
) {
  const { manifest, envelope } = present(lab.releases[index], 'a release of the lab');
  const former = (await loadPublished(files, 'image'))?.targets.get(LAB_DEVICE_TYPE)?.document.signed;
  const next = nextReleaseTargets(former, { manifest, payload: envelope.payload, now: NOW, ...said }, metadataDigest);
  const targets = await signMetadata(next, [build, releng]);
  return served.vouchFor(manifest, { payload: envelope.payload, targets });
}

function sourceOf(served: Repositories) {
  return { fetchMetadata: async (name: string) => ok(await served.read(name)) };
}

function followed(served: Repositories, kept: Map<string, string>, folder = 'director') {
  return {
    folder,
    pinnedRoot: '',
    source: sourceOf(served),
    store: {
      loadMetadata: async (name: string) => kept.get(name),
      storeMetadata: async (name: string, text: string) => void kept.set(name, text),
    },
    context: trustContext(later(NOW, HOUR_MS)),
  };
}

/** What a device that never asked before finds of a release. */
async function seenByDevice(served: Repositories, index: number): Promise<string> {
  const pinnedRoot = present(await served.roots(), 'roots').image;
  const repository = { ...followed(served, new Map(), 'image'), pinnedRoot };
  const set = await refresh(repository);
  if (!set.ok) return set.error.code;
  const path = targetPath(LAB_DEVICE_TYPE, present(lab.releases[index], 'a release of the lab').manifest.releaseId);
  const found = await resolveTarget(set.value, path, repository);
  return found.ok ? 'found' : found.error.code;
}

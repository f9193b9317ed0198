// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { present } from '@outrider/domain/kernel/assert';
import { err } from '@outrider/domain/kernel/result';
import { DAY_MS, type FleetInstant, fleetInstant, HOUR_MS } from '@outrider/domain/kernel/time';
import { targetPath } from '@outrider/domain/release/release-targets';
import { metadataReader } from '@outrider/protocol/trust/tuf/read-metadata';
import { deviceLab, LAB_DEVICE_TYPE } from '@outrider/testkit/device-lab';
import { labRepositories } from '@outrider/testkit/lab-repositories';
import { type RepositoryMemory, refresh, refreshTimestamp, resolveTarget, storedRoot } from './metadata-client.ts';
import { publish, signMetadata, TRUST_TOOLS, trustContext } from './metadata-repository.ts';

const lab = await deviceLab([{ main: Buffer.from('one') }]);
const start = fleetInstant(20_000 * DAY_MS);
const path = targetPath(LAB_DEVICE_TYPE, present(lab.releases[0], 'a release').manifest.releaseId);

test('a device that is told nothing new reads nothing that it stored, and verifies nothing again', async () => {
  const device = await runningDevice();
  assert.equal(await device.look(start), 'found');
  const first = device.spent();
  assert.ok(first.loads > 0 && first.verified > 0);
  assert.equal(await device.look(fleetInstant(start + HOUR_MS / 2)), 'found');
  assert.deepEqual(device.spent(), { loads: 0, verified: 0, stores: 0 });
});

test('a release that is published while a device runs is found, and what it held before is left', async () => {
  const device = await runningDevice();
  const version = async () => (await device.setAt(device.now)).targets.get(LAB_DEVICE_TYPE)?.signed.version;
  assert.equal(await device.look(start), 'found');
  const before = present(await version(), 'targets');
  await device.repositories.renew(fleetInstant(start + HOUR_MS / 2));
  assert.equal(await device.look(fleetInstant(start + HOUR_MS / 2)), 'found');
  assert.equal(await version(), before + 1);
});

test('targets that a device remembers lapse on their day as those on its disk do', async () => {
  const device = await runningDevice();
  const { repositories } = device;
  const store = {
    loadMetadata: async (name: string) => repositories.files.get(name),
    storeMetadata: noted(repositories),
  };
  const late = fleetInstant(start + 90 * DAY_MS - HOUR_MS);
  const change = { folder: 'image', targets: new Map<string, string>(), signers: repositories.keys };
  assert.ok((await publish(store, { ...change, now: late })).ok);
  assert.equal(await device.look(late), 'found');
  assert.equal(await device.look(fleetInstant(late + 2 * HOUR_MS)), 'metadata-expired');
});

test('a root that came while a device runs counts from the moment it is stored, though nothing after it arrived', async () => {
  const device = await runningDevice();
  const { files, keys } = device.repositories;
  const director = device.repository('director', start);
  assert.ok((await refreshTimestamp(director)).ok);
  const root = metadataReader.root(present(files.get('director/1.root.json'), 'a root'));
  assert(root.ok);
  files.set('director/2.root.json', await signMetadata({ ...root.value.signed, version: 2 }, [keys.root]));
  device.isAway = (name) => name === 'director/timestamp.json';
  const cut = await refreshTimestamp(director);
  assert.equal(cut.ok ? 'followed' : cut.error.code, 'metadata-unreachable');
  const known = await storedRoot(director);
  assert.equal(known.ok && known.value.root.signed.version, 2);
  device.isAway = () => false;
  const followed = await refreshTimestamp(director);
  assert.equal(followed.ok && followed.value.root.signed.version, 2);
});

type Lab = Awaited<ReturnType<typeof labRepositories>>;

function noted({ files }: Lab) {
  return async (name: string, text: string) => void files.set(name, text);
}

/** A device whose program goes on, and what it did since it was asked last. */
async function runningDevice() {
  const repositories = await labRepositories(lab, start);
  const memory: Record<string, RepositoryMemory> = { image: {}, director: {} };
  const disk = new Map<string, string>();
  let spent = { loads: 0, stores: 0, verified: 0 };
  const { verifier, ...tools } = TRUST_TOOLS;
  const counting = {
    ...tools,
    verifier: {
      verify(...all: Parameters<typeof verifier.verify>) {
        spent.verified++;
        return verifier.verify(...all);
      },
    },
  };
  const device = {
    repositories,
    now: start as FleetInstant,
    isAway: (_name: string) => false,
    repository: (folder: 'image' | 'director', now: FleetInstant) => ({
      folder,
      pinnedRoot: repositories.roots[folder],
      context: trustContext(now, counting),
      memory: present(memory[folder], 'a memory'),
      source: {
        fetchMetadata: (name: string, bytesMax: number) =>
          device.isAway(name)
            ? Promise.resolve(err({ code: 'unreachable', detail: name } as const))
            : repositories.fetchMetadata(name, bytesMax),
      },
      store: {
        async loadMetadata(name: string) {
          spent.loads++;
          return disk.get(name);
        },
        async storeMetadata(name: string, text: string) {
          spent.stores++;
          disk.set(name, text);
        },
      },
    }),
    async setAt(now: FleetInstant) {
      const set = await refresh(device.repository('image', now));
      assert(set.ok, 'a repository that can be followed');
      const found = await resolveTarget(set.value, path, device.repository('image', now));
      assert(found.ok, 'a file that is known');
      return found.value.set;
    },
    async look(now: FleetInstant): Promise<string> {
      device.now = now;
      const set = await refresh(device.repository('image', now));
      const found = set.ok ? await resolveTarget(set.value, path, device.repository('image', now)) : set;
      return found.ok ? 'found' : found.error.code;
    },
    spent() {
      const now = spent;
      spent = { loads: 0, stores: 0, verified: 0 };
      return now;
    },
  };
  return device;
}

// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, test } from 'node:test';
import { bootContract } from '@outrider/testkit/contracts/boot';
import { storageContract } from '@outrider/testkit/contracts/storage';
import { packImage } from '../shared/image.ts';
import { commandHealth } from './command-health.ts';
import { loadAnchors, loadDeviceKey } from './device-identity.ts';
import { openFileBoot, provisionBoot } from './file-boot.ts';
import { openFileStorage, provisionImage } from './file-storage.ts';

const root = await mkdtemp(join(tmpdir(), 'outrider-device-'));
after(() => rm(root, { recursive: true, force: true }));
let places = 0;

bootContract('files', async (content) => {
  const folder = await freshFolder();
  await provisionBoot(folder, content);
  return {
    async powerOn() {
      const boot = await openFileBoot(folder);
      assert(boot.ok);
      return boot.value;
    },
  };
});

storageContract('files', async (images) => {
  const folder = await freshFolder();
  for (const [name, image] of Object.entries(images)) await provisionImage(folder, name, once(image));
  return { powerOn: () => openFileStorage(folder) };
});

test("a half-written slot is nobody's content, and the next install replaces it", async () => {
  const folder = await freshFolder();
  const storage = await openFileStorage(folder);
  await writeFile(join(folder, 'slots', 'b', 'main.img.new'), 'half');
  assert.deepEqual(await storage.verifySlot('b'), []);
});

test('a device without a factory image, or with a damaged chooser, says what to do', async () => {
  const folder = await freshFolder();
  const missing = await openFileBoot(folder);
  assert.equal(!missing.ok && missing.error.code, 'not-provisioned');
  await writeFile(join(folder, 'boot.json'), '{"running":"c"}');
  const damaged = await openFileBoot(folder);
  assert.equal(!damaged.ok && damaged.error.code, 'chooser-malformed');
});

test('a device makes its key once and keeps it to itself', async () => {
  const folder = await freshFolder();
  const [one, again] = [await loadDeviceKey(folder), await loadDeviceKey(folder)];
  assert(one.ok && again.ok);
  assert.deepEqual(again.value.signer.publicKey, one.value.signer.publicKey);
  assert.deepEqual(await loadAnchors(folder), { ok: true, value: undefined });
  await writeFile(join(folder, 'device-key.json'), '{}');
  const damaged = await loadDeviceKey(folder);
  assert.equal(!damaged.ok && damaged.error.code, 'identity-malformed');
});

test('the health check runs the launcher of the running slot and keeps the tail of what it prints', async () => {
  const healthy = await verdictOf('echo "on $OUTRIDER_HARDWARE_ID with $1"; exit 0');
  assert.equal(healthy.isHealthy, true);
  assert.match(healthy.detail, /on rev-c with --check/);
  const broken = await verdictOf('head -c 100000 /dev/zero | tr "\\0" x; echo "lens: no answer" >&2; exit 7');
  assert.equal(broken.isHealthy, false);
  assert.match(broken.detail, /exit code 7/);
  assert.match(broken.detail, /lens: no answer/);
  assert(broken.detail.length < 2_000);
});

test('a launcher that hangs, leaves someone behind or is missing does not hold the verdict', async () => {
  const hanging = await verdictOf('sleep 60');
  assert.equal(hanging.isHealthy, false);
  assert.match(hanging.detail, /ended by SIGKILL/);
  const leaving = await verdictOf('sleep 60 & exit 0');
  assert.equal(leaving.isHealthy, true);
  const missing = await verdictOf(undefined);
  assert.equal(missing.isHealthy, false);
  assert.match(missing.detail, /could not be started/);
});

test('a data folder that is named from where the agent was started is found by the health check too', async () => {
  const verdict = await verdictOf('exit 0', (folder) => relative(process.cwd(), folder));
  assert.equal(verdict.detail, 'The launcher ended with exit code 0');
});

async function verdictOf(script: string | undefined, named: (folder: string) => string = (folder) => folder) {
  const tree = await freshFolder();
  const folder = named(await freshFolder());
  if (script !== undefined) await writeFile(join(tree, 'launcher'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const image = await packImage(tree);
  assert(image.ok);
  const digest = await provisionImage(folder, 'main', image.value);
  await provisionBoot(folder, {
    version: '1.0.0',
    releaseCounter: 1 as never,
    components: [{ name: 'main', digest }],
  });
  const boot = await openFileBoot(folder);
  assert(boot.ok);
  const health = commandHealth({
    folder,
    boot: boot.value,
    component: 'main',
    hardwareId: 'rev-c',
    launcherArguments: ['--check'],
    environment: { PATH: '/usr/bin:/bin' },
    timeoutMs: 700,
  });
  const verdict = await health.check();
  assert((await readdir(join(folder, 'run'))).length <= 1);
  return verdict;
}

async function freshFolder(): Promise<string> {
  const folder = join(root, `device-${places++}`);
  await mkdir(folder);
  return folder;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

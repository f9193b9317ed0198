// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Registry } from '@outrider/domain/gateway/ports';
import type { DeviceAttributes } from '@outrider/domain/policy/attributes';
import { memoryStore } from '@outrider/testkit/memory-store';
import { aDevice, NOW } from '@outrider/testkit/small-fleet';
import type { Log, Schedule } from '../ports.ts';
import { knownDevices } from './known-devices.ts';
import { registryFollower } from './registry-follow.ts';

const schedule: Schedule = {
  after(_delayMs, work) {
    const immediate = setImmediate(work);
    return () => clearImmediate(immediate);
  },
};
const log: Log = { info() {}, warn() {}, error() {} };
const { record } = aDevice();

async function onStage() {
  const store = memoryStore();
  await store.registry.register([record]);
  let holdAnswers: Promise<void> | undefined;
  const registry: Registry = {
    ...store.registry,
    async loadDevices(ids) {
      const found = await store.registry.loadDevices(ids);
      await holdAnswers;
      return found;
    },
  };
  const devices = knownDevices(registry, schedule);
  const follower = registryFollower({ importer: store.importer, devices, schedule, log });
  await follower.refresh();
  async function change(attributes: Partial<DeviceAttributes>, attributesRevision: number): Promise<void> {
    const line = { deviceId: record.deviceId, attributes: { ...record.attributes, ...attributes }, attributesRevision };
    const [one] = await store.importer.importDevices([line], { now: NOW, author: 'ada', isDryRun: false });
    assert.ok(one?.ok);
  }
  /** From now on what is read is handed over when the answer is called. */
  function holdReads(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    holdAnswers = promise;
    return resolve;
  }
  return { devices, follower, change, holdReads };
}

test('a gateway follows attributes that another server took in, and forgets nothing that the device said', async () => {
  const { devices, follower, change } = await onStage();
  const heard = { ...record, status: { ...record.status, sequence: 9 } };
  devices.keep({ record: heard, ledger: [] });
  await change({ region: 'us' }, 1);
  await change({ region: 'asia' }, 2);
  await follower.refresh();
  const known = devices.peek(record.deviceId)?.record;
  assert.deepEqual([known?.attributes.region, known?.status.sequence], ['asia', 9]);
});

test('a device that came into memory from an older read is put right at the next look', async () => {
  const { devices, follower, change } = await onStage();
  await change({ region: 'us' }, 1);
  await follower.refresh();
  // Read before the change, kept after the look.
  devices.keep({ record, ledger: [] });
  await follower.refresh();
  assert.equal(devices.peek(record.deviceId)?.record.attributes.region, 'us');
});

test('a slow read from before a change never brings the old attributes back, however often was looked meanwhile', async () => {
  const { devices, follower, change, holdReads } = await onStage();
  const answerReads = holdReads();
  const reading = devices.find(record.deviceId);
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  await change({ region: 'us' }, 1);
  for (let looks = 0; looks < 3; looks++) await follower.refresh();
  answerReads();
  assert.equal((await reading)?.record.attributes.region, 'us');
  assert.equal(devices.peek(record.deviceId)?.record.attributes.region, 'us');
});

// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
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
  const devices = knownDevices(store.registry, schedule);
  const follower = registryFollower({ importer: store.importer, devices, schedule, log });
  await follower.refresh();
  async function change(attributes: Partial<DeviceAttributes>, attributesRevision: number): Promise<void> {
    const line = { deviceId: record.deviceId, attributes: { ...record.attributes, ...attributes }, attributesRevision };
    const [one] = await store.importer.importDevices([line], { now: NOW, author: 'ada', isDryRun: false });
    assert.ok(one?.ok);
  }
  return { devices, follower, change };
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

// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KnownDevice } from '@outrider/domain/gateway/device-record';
import type { Registry } from '@outrider/domain/gateway/ports';
import { memoryStore } from '@outrider/testkit/memory-store';
import { aDevice } from '@outrider/testkit/small-fleet';
import { knownDevices } from './known-devices.ts';

/** The devices of one gateway, and how often it read the store. */
async function oneGateway() {
  const store = memoryStore();
  let reads = 0;
  const registry: Registry = {
    ...store.registry,
    loadDevices(ids) {
      reads++;
      return store.registry.loadDevices(ids);
    },
  };
  const { record } = aDevice();
  await store.registry.register([record]);
  const prompt = {
    after(_delayMs: number, work: () => void) {
      queueMicrotask(work);
      return () => undefined;
    },
  };
  let gaps = 0;
  const devices = knownDevices(registry, prompt, { onGap: () => gaps++ });
  return { devices, store, record, readCount: () => reads, gapCount: () => gaps };
}

function withSequence({ record, ledger }: KnownDevice, sequence: number): KnownDevice {
  return { record: { ...record, status: { ...record.status, sequence } }, ledger };
}

test('a device that always speaks to the same gateway is read once', async () => {
  const { devices, record, readCount, gapCount } = await oneGateway();
  for (let sequence = 2; sequence < 10; sequence++) {
    const isJustRead = devices.peek(record.deviceId) === undefined;
    const known = await devices.find(record.deviceId);
    assert.ok(known);
    devices.keep(withSequence(await devices.current(known, { sequence, isJustRead }), sequence));
  }
  assert.equal(readCount(), 1);
  assert.equal(gapCount(), 1, 'it may have spoken to anybody before it came here');
});

test('a device that spoke to another gateway in between is read anew, and once more at its next message', async () => {
  const { devices, store, record, readCount } = await oneGateway();
  const known = await devices.find(record.deviceId);
  assert.ok(known);
  devices.keep(withSequence(await devices.current(known, { sequence: 2, isJustRead: true }), 2));
  // Another gateway has heard of version 2.0.0 in message 3.
  const running = { ...record.status.running, version: '2.0.0' };
  await store.registry.storeStatuses([
    { deviceId: record.deviceId, status: { ...record.status, sequence: 3, running } },
  ]);
  const kept = devices.peek(record.deviceId);
  assert.ok(kept);
  const current = await devices.current(kept, { sequence: 4, isJustRead: false });
  assert.equal(current.record.status.running.version, '2.0.0');
  assert.equal(readCount(), 2);
  devices.keep(withSequence(current, 4));
  devices.keep(withSequence(await devices.current(withSequence(current, 4), { sequence: 5, isJustRead: false }), 5));
  assert.equal(readCount(), 3);
  await devices.current(withSequence(current, 5), { sequence: 6, isJustRead: false });
  assert.equal(readCount(), 3);
});

test('whoever keeps what a device was told last is told of each gap in its messages, and of a device that left memory', async () => {
  const { devices, record, gapCount } = await oneGateway();
  const { deviceId } = record;
  const known = await devices.find(deviceId);
  assert.ok(known);
  assert.equal(gapCount(), 1);
  devices.keep(withSequence(known, 2));
  await devices.current(withSequence(known, 2), { sequence: 3, isJustRead: false });
  assert.equal(gapCount(), 1);
  devices.keep(withSequence(known, 3));
  await devices.current(withSequence(known, 3), { sequence: 5, isJustRead: false });
  assert.equal(gapCount(), 2);
  devices.forget(deviceId);
  assert.equal(gapCount(), 3);
  await devices.find(deviceId);
  assert.equal(gapCount(), 4);
});

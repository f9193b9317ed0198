// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KnownDevice } from '@outrider/domain/gateway/device-record';
import type { LedgerRow } from '@outrider/domain/gateway/ledger';
import type { DeviceId, KeyId } from '@outrider/domain/kernel/ids';
import { fleetInstant } from '@outrider/domain/kernel/time';
import { propertyOptions } from '@outrider/testkit/seed';
import { aDevice } from '@outrider/testkit/small-fleet';
import fc from 'fast-check';
import { deviceCache } from './device-cache.ts';

const { record: base } = aDevice();

/** Devices of six ids whose every field is drawn anew: as packed as they may be, they must come back whole. */
const devices: fc.Arbitrary<KnownDevice> = fc
  .record({
    deviceId: fc.constantFrom('d', 'd-1', 'd-2', 'd-3', '6d2f5a1e-0c0b-4c39-9d35-0a3b6e1c9f10', 'd'.repeat(128)),
    key: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    region: fc.constantFrom('eu', 'us', 'jp'),
    tags: fc.subarray(['a', 'b']),
    version: fc.constantFrom('1.0.0', '2.0.0'),
    sequence: fc.maxSafeNat(),
    at: fc.maxSafeNat(),
    history: fc.option(fc.record({ since: fc.maxSafeNat(), slots: fc.integer({ min: 0, max: 4_095 }) }), {
      nil: undefined,
    }),
    state: fc.constantFrom('idle' as const, 'reverted' as const, 'deferred' as const),
    rows: fc.integer({ min: 0, max: 2 }),
  })
  .map(({ deviceId, key, region, tags, version, sequence, at, history, state, rows }) => ({
    record: {
      deviceId: deviceId as DeviceId,
      publicKey: {
        publicKey: Buffer.from(key).toString('base64'),
        keyId: Buffer.from(key).reverse().toString('hex') as KeyId,
      },
      attributes: { ...base.attributes, region, tags },
      registeredAt: fleetInstant(at),
      status: {
        ...{ sequence, lastContactAt: fleetInstant(at), state },
        running: { ...base.status.running, version },
        ...(history === undefined ? {} : { contactHistory: { ...history, since: fleetInstant(history.since) } }),
      },
    },
    // Rows are kept as they come: what is in them does not matter here.
    ledger: Array.from({ length: rows }, (_, enrolment) => ({ enrolment }) as LedgerRow),
  }));

test('a device comes back from memory as it went in, whatever came before it in its place', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(devices, fc.constantFrom('set', 'status', 'delete')), { maxLength: 40 }), (steps) => {
      const cache = deviceCache({ devicesMax: 100, hashKey: [1, 2] });
      const model = new Map<DeviceId, KnownDevice>();
      for (const [device, step] of steps) {
        const { deviceId, status } = device.record;
        const known = model.get(deviceId);
        if (step === 'delete') {
          cache.delete(deviceId);
          model.delete(deviceId);
        } else if (step === 'status' && known !== undefined) {
          cache.setStatus(deviceId, status);
          model.set(deviceId, { ...known, record: { ...known.record, status } });
        } else {
          cache.set(device);
          model.set(deviceId, device);
        }
        for (const [id, expected] of model) assert.deepEqual(cache.get(id), expected);
        assert.equal(cache.size(), model.size);
      }
    }),
    propertyOptions(),
  );
});

test('a full memory lets the device go that was not heard from for longest, and its mark with it', () => {
  const cache = deviceCache({ devicesMax: 3, hashKey: [1, 2] });
  const idOf = (number: number) => `device-${number}` as DeviceId;
  const set = (number: number) => cache.set({ record: { ...base, deviceId: idOf(number) }, ledger: [] });
  for (const number of [1, 2, 3]) set(number);
  cache.setMarked(idOf(2), true);
  assert.equal(cache.isMarked(idOf(2)), true);
  // All have been heard from: the hand comes by all of them once, and then takes one.
  set(4);
  assert.equal(cache.size(), 3);
  const left = [1, 2, 3].filter((number) => cache.has(idOf(number)));
  assert.equal(left.length, 2);
  for (const number of left) cache.setStatus(idOf(number), base.status);
  cache.setStatus(idOf(4), base.status);
  set(5);
  set(6);
  assert.equal(cache.size(), 3);
  assert.ok(cache.has(idOf(6)));
  cache.delete(idOf(2));
  set(2);
  assert.equal(cache.isMarked(idOf(2)), false);
});

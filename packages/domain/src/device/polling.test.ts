// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { propertyOptions } from '@outrider/testkit/seed';
import fc from 'fast-check';
import type { DeviceId } from '../kernel/ids.ts';
import { DAY_MS, durationMs, fleetInstant, HOUR_MS } from '../kernel/time.ts';
import { backOffUntil, RETRY_AFTER_MAX_MS } from './polling.ts';

const NOW = fleetInstant(1_000 * DAY_MS);
const deviceIds = fc.nat({ max: 1_000_000 }).map((number) => `cam-${number}` as DeviceId);
const faults = fc.record({ faultCount: fc.integer({ min: 1, max: 40 }), sequence: fc.nat({ max: 1_000_000 }) });

test('a device that was told when to come back never comes sooner, and never sooner than without an answer', () => {
  fc.assert(
    fc.property(deviceIds, faults, fc.nat({ max: 10 * DAY_MS }), (deviceId, fault, askedMs) => {
      const silent = backOffUntil(NOW, deviceId, fault);
      const told = backOffUntil(NOW, deviceId, { ...fault, retryAfterMs: durationMs(askedMs) });
      assert.ok(told >= silent, 'not sooner than without an answer');
      assert.ok(told >= NOW + Math.min(askedMs, RETRY_AFTER_MAX_MS), 'not sooner than asked for');
      assert.ok(told <= NOW + RETRY_AFTER_MAX_MS + 6 * HOUR_MS, 'no server silences a device for longer');
    }),
    propertyOptions(),
  );
});

test('a fleet that was told one and the same moment by a server that stops is spread over two minutes behind it', () => {
  const after = Array.from({ length: 10_000 }, (_, number) => {
    const fault = { faultCount: 1, sequence: 7, retryAfterMs: durationMs(20_000) };
    return backOffUntil(NOW, `cam-${number}` as DeviceId, fault) - NOW;
  });
  assert.ok(Math.min(...after) >= 20_000);
  const perTenSeconds = new Map<number, number>();
  for (const ms of after)
    perTenSeconds.set(Math.floor(ms / 10_000), (perTenSeconds.get(Math.floor(ms / 10_000)) ?? 0) + 1);
  // Twelve slices of ten seconds: 833 each, and what chance adds.
  assert.equal(perTenSeconds.size, 12);
  assert.ok(Math.max(...perTenSeconds.values()) < 1_000, JSON.stringify([...perTenSeconds]));
});

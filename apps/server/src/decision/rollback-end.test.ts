// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeviceStatus } from '@outrider/domain/gateway/device-record';
import type { ReleaseCounter } from '@outrider/domain/kernel/ids';
import { DAY_MS, fleetInstant, HOUR_MS, hours } from '@outrider/domain/kernel/time';
import { isBack } from './rollback-end.ts';

const beganAt = fleetInstant(1_800_000_000_000);
const bad = 5 as ReleaseCounter;

function statusOf(counter: number, lastContactMs: number): DeviceStatus {
  return {
    sequence: 1,
    lastContactAt: fleetInstant(beganAt + lastContactMs),
    running: { version: '1.0.0', releaseCounter: counter as ReleaseCounter, components: [] },
    state: 'idle',
  };
}

function isBackAfter(status: DeviceStatus, afterMs: number): boolean {
  return isBack(status, { beganAt, badCounter: bad, permitLifeMs: hours(1), now: fleetInstant(beganAt + afterMs) });
}

test('a device that runs the twin, or never left the former release, is back once its permit is over', () => {
  for (const counter of [3, 6]) {
    assert.equal(isBackAfter(statusOf(counter, 1), 2 * HOUR_MS), true);
    assert.equal(isBackAfter(statusOf(counter, 1), HOUR_MS - 1), false, 'it could still install with its permit');
  }
});

test('a device that runs the bad release is waited for, and one not heard of since is too', () => {
  assert.equal(isBackAfter(statusOf(5, HOUR_MS), 2 * HOUR_MS), false);
  assert.equal(isBackAfter(statusOf(3, -1), 2 * HOUR_MS), false);
});

test('a device that has been silent for a week is not waited for', () => {
  assert.equal(isBackAfter(statusOf(5, 0), 7 * DAY_MS - 1), false);
  assert.equal(isBackAfter(statusOf(5, 0), 7 * DAY_MS), true);
});

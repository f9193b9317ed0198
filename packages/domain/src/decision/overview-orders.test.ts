// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Rollout } from '../policy/rollout.ts';
import { FLAGS_SHOWN_MAX, ordersOf } from './overview-orders.ts';

const QUIET = { haltedSegments: [] } as unknown as Rollout;

function flag(number: number, deviceId?: string) {
  const device = deviceId === undefined ? {} : { deviceId, isTreated: true };
  return { revision: number, severity: 'note', at: number, by: 'ada', reason: `Number ${number}`, ...device };
}

test('a rollout about which nobody has said anything has nothing to show', () => {
  assert.equal(ordersOf(QUIET), undefined);
});

test('lists are cut to the newest and counts stay whole', () => {
  const flags = Array.from({ length: 20 }, (_, index) => flag(index, index % 2 === 0 ? `camera-${index}` : undefined));
  const segments = [
    { segment: 'rev-a', population: 40 },
    { segment: 'rev-b', population: 2 },
  ];
  const haltedRegions = [{ region: 'north', isRollingBack: false, populations: segments }];
  const rollout = {
    ...QUIET,
    flags,
    haltedRegions,
    excludedDevices: ['camera-1'],
    limitDevices: 0,
  } as unknown as Rollout;
  const orders = ordersOf(rollout);
  assert.equal(orders?.flags.length, FLAGS_SHOWN_MAX);
  assert.equal(orders?.flags[0]?.reason, 'Number 19');
  assert.deepEqual([orders?.flagCount, orders?.driverFlagCount, orders?.excludedCount], [20, 10, 1]);
  assert.deepEqual(orders?.regions, [{ region: 'north', isRollingBack: false, population: 42 }]);
  assert.equal(orders?.limitDevices, 0, 'a ceiling of nobody is one');
});

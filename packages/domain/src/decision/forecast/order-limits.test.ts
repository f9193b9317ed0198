// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aDevice, aManifest, aPlan, digestOf, NOW } from '@outrider/testkit/small-fleet';
import { DAY_MS, fleetInstant } from '../../kernel/time.ts';
import type { CharterStanding } from '../../policy/charter.ts';
import { draftCharter } from '../../policy/draft-charter.ts';
import { type CountedFleet, fleetCounter } from './counted-fleet.ts';
import { orderLimits } from './order-limits.ts';
import { ceilingOf, type ForecastOrders, isCharterOver, NO_FORECAST_ORDERS, standingUnder } from './orders.ts';

const PLAN = aPlan();
const DEVICES = 200;
const DRAWN = draftCharter({
  ...{ plan: PLAN, releaseSha256: digestOf('7'), population: DEVICES, ringDevices: [] },
  ...{ firstStepDevices: 10, groups: 2, now: NOW },
});

function charterOf(isSigned: readonly boolean[], document = DRAWN): CharterStanding {
  const signed = { document: { payloadType: '', payload: '', signatures: [] }, openings: [] };
  return { kind: 'valid', charter: { document, sha256: digestOf('8'), isSigned }, signed };
}

function counted(orders: ForecastOrders): CountedFleet {
  const given = { release: aManifest(), deltas: [], orders: { given: orders, now: NOW } };
  const counter = fleetCounter(PLAN, given);
  for (let index = 0; index < DEVICES; index++) {
    const { deviceId, attributes, status } = aDevice({ deviceId: `camera-${index}` }).record;
    counter.add({ deviceId, attributes, running: status.running });
  }
  return counter.counted();
}

test('a charter is told wave by wave: who waits for its date, its ceiling, and the signature that it lacks', () => {
  const orders = { ...NO_FORECAST_ORDERS, charter: charterOf([true, true, true, false, false]) };
  const fleet = counted(orders);
  const limits = orderLimits(orders, fleet).map(({ code, name }) => `${code} ${name}`);
  assert.deepEqual(
    limits.filter((one) => one.startsWith('charter-wave-early')),
    ['canary', 'tenth', 'half', 'everyone'].map((name) => `charter-wave-early ${name}`),
  );
  assert.ok(limits.includes('charter-ceiling tenth') && !limits.includes('charter-ceiling everyone'));
  assert.deepEqual(
    limits.filter((one) => one.startsWith('wave-unsigned')),
    ['wave-unsigned half', 'wave-unsigned everyone'],
  );
  assert.equal(limits.at(-1), `charter-expires ${PLAN.rolloutId}`);
  assert.equal(
    fleet.classes.reduce((sum, one) => sum + one.devices, 0),
    DEVICES,
  );
});

test('a charter that reaches only some devices keeps the others out of the set', () => {
  const waves = DRAWN.waves.slice(0, 3);
  const orders = { ...NO_FORECAST_ORDERS, charter: charterOf([true, true, true], { ...DRAWN, waves }) };
  const { classes, ordered } = counted(orders);
  const inside = classes.reduce((sum, one) => sum + one.devices, 0);
  const outside = ordered.find((one) => one.code === 'outside-charter')?.devices ?? 0;
  assert.ok(inside > 0 && outside > inside, `${inside} and ${outside}`);
  assert.equal(inside + outside, DEVICES);
});

test('a refused charter is said, and reckoned with as if it were mended', () => {
  const error = { code: 'charter-missing', detail: 'Approvers have signed nothing for r1; submit a charter' } as const;
  const orders: ForecastOrders = { ...NO_FORECAST_ORDERS, charter: { kind: 'refused', error } };
  const [limit] = orderLimits(orders, counted(orders));
  assert.deepEqual([limit?.code, limit?.name], ['charter-refused', 'charter-missing']);
  assert.equal(ceilingOf(orders, 0), Number.POSITIVE_INFINITY);
  assert.equal(isCharterOver(orders, NOW), false);
});

test('a device waits for the last of the orders that hold it back, and an order without an end keeps it out', () => {
  const { deviceId, attributes, status } = aDevice().record;
  const subject = { deviceId, attributes, version: status.running.version, segment: 'rev-a' as never };
  const of = { kind: 'device', in: [deviceId] } as const;
  const late = { exclusionId: 'late', of, reason: 'r', expiresAt: fleetInstant(NOW + 9 * DAY_MS) };
  const later = { exclusionId: 'later', of, reason: 'r', expiresAt: fleetInstant(NOW + 20 * DAY_MS) };
  const under = (exclusions: readonly (typeof late | Omit<typeof late, 'expiresAt'>)[]) =>
    standingUnder({ ...NO_FORECAST_ORDERS, standing: { freezes: [], exclusions } }, subject, NOW);
  assert.deepEqual([under([later, late]).isOut, under([later, late]).notBefore], [false, later.expiresAt]);
  assert.equal(under([late, { exclusionId: 'for-good', of, reason: 'r' }]).isOut, true);
});

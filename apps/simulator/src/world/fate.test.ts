// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeviceId, RolloutId } from '@outrider/domain/kernel/ids';
import { after, fleetInstant, hours, minutes } from '@outrider/domain/kernel/time';
import { bootFault, enrolmentFate, natureOf, readinessDelay } from './fate.ts';
import { encodeWorld, parseWorld, type World } from './world.ts';

const WORLD: World = {
  schema: 1,
  seed: '42',
  defects: [{ version: '1.2.0', hardwareId: 'rev-c', revertProbability: 1 }],
};
const START = fleetInstant(1_800_000_000_000);
const OFFER = { offeredAt: START, isRollback: false };
const FLEET = Array.from({ length: 20_000 }, (_, index) =>
  natureOf(WORLD, `camera-${index}` as DeviceId, index % 2 === 0 ? 'rev-a' : 'rev-c'),
);

test('the same world treats the same device the same way, another seed does not', () => {
  const times = (seed: string) =>
    FLEET.slice(0, 20).map(({ deviceId }) => readinessDelay({ ...WORLD, seed }, deviceId, OFFER));
  assert.deepEqual(times('42'), times('42'));
  assert.notDeepEqual(times('42'), times('43'));
});

test('enrolments fall silent and report faults at the base rates of the design', () => {
  const fates = FLEET.map((nature, index) =>
    enrolmentFate(WORLD, nature, { rolloutId: 'r' as RolloutId, at: after(START, minutes(10 * (index % 144))) }),
  );
  const silentFor = (count: number) =>
    fates.filter(({ silentUntil }) => silentUntil !== undefined && silentUntil - START > hours(count)).length;
  const faults = fates.flatMap((fate) => fate.faults);
  // 0.3 % of 60 %, 1 % of 35 % and 5 % of 5 % of the devices: 0.78 %.
  assertNear(silentFor(48) / FLEET.length, 0.0078, 0.004);
  assertNear(faults.filter(({ event }) => event === 'crash').length / FLEET.length, 0.03, 0.004);
  assertNear(faults.filter(({ event }) => event === 'sensor-fault').length / FLEET.length, 0.003, 0.0015);
});

test('a defect strikes its hardware revision alone, and the same version elsewhere stays healthy', () => {
  for (const nature of FLEET.slice(0, 1_000)) {
    const fault = bootFault(WORLD, nature, { version: '1.2.0', at: START });
    if (nature.hardwareId === 'rev-c') assert.equal(fault, 'defect');
    else assert.notEqual(fault, 'defect');
  }
  assert.ok(FLEET.filter((nature) => bootFault(WORLD, nature, { version: '1.1.0', at: START })).length < 12);
});

test('half of the devices are ready within nine hours of their offer, and some only after weeks', () => {
  const delays = FLEET.map(({ deviceId }) => readinessDelay(WORLD, deviceId, OFFER)).sort((a, b) => a - b);
  const median = delays[delays.length / 2] ?? 0;
  assert.ok(median > hours(6) && median < hours(9.5), `median ${median / hours(1)} h`);
  assert.ok((delays.at(-1) ?? 0) > hours(14 * 24));
});

test('a world file is read back as it was written, and a wrong one is refused by name', () => {
  assert.deepEqual(parseWorld(encodeWorld(WORLD)), { ok: true, value: WORLD });
  const wrong = parseWorld(JSON.stringify({ ...WORLD, defects: [{ ...WORLD.defects[0], revertProbability: 2 }] }));
  assert.equal(wrong.ok ? '' : wrong.error.path, 'world.defects[0].revertProbability');
});

function assertNear(seen: number, expected: number, tolerance: number): void {
  assert.ok(Math.abs(seen - expected) <= tolerance, `expected ${expected} within ${tolerance}, got ${seen}`);
}

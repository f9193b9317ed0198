// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anExposure, aPlan, id, NOW } from '@outrider/testkit/small-fleet';
import type { SegmentId } from '../kernel/ids.ts';
import { fleetInstant, MINUTE_MS } from '../kernel/time.ts';
import { startExposure } from './start-exposure.ts';
import { emptyTally, type Tally } from './tally.ts';
import { type WaveEvidence, waveDevices, waveNow } from './waves.ts';

const plan = aPlan();
const populations = [{ segment: id<SegmentId>('rev-a'), population: 2_003 }];
const ring = startExposure({ plan, populations, ringDevices: 3, now: NOW });

test('a rollout starts with its ring, ten permits and no downloads for others', () => {
  assert.deepEqual(
    { wave: ring.waveIndex, cap: ring.cap, pi: ring.pi, downloads: ring.downloadsAllowed, granted: ring.granted },
    { wave: 0, cap: 10, pi: 0.2, downloads: 0, granted: 0 },
  );
  assert.equal(ring.segments[0]?.cap, 50);
});

test('without a device in any ring the waves for rings alone are passed over', () => {
  const exposure = startExposure({ plan, populations, ringDevices: 0, now: NOW });
  assert.equal(exposure.waveIndex, 1);
  assert.equal(exposure.downloadsAllowed, 21);
});

test('the bake time runs from the first enrolment, not from when the wave was opened', () => {
  const waiting = waveNow(plan, ring, seen({ hours: 5 }));
  assert.equal(waiting.waveIndex, 0);
  assert.equal(waiting.waitsFor, 'no device of wave ring has asked yet');
  assert.equal(waiting.waveStartedAt, hoursLater(5));
  const begun = { ...ring, waveStartedAt: waiting.waveStartedAt };
  const enrolled = { lastEnrolledAt: hoursLater(6), tally: confirmed(1) };
  const baking = waveNow(plan, begun, seen({ hours: 6.9, ...enrolled }));
  assert.equal(baking.waitsFor, 'wave ring is in its bake time');
  assert.equal(waveNow(plan, begun, seen({ hours: 7, ...enrolled })).waveIndex, 1);
});

test('a wave in which devices were treated and none is confirmed opens no other', () => {
  const tally = { ...emptyTally(), revert: { open: 2, closed: 0, events: 0, confirmed: 0 } };
  const state = waveNow(plan, ring, seen({ hours: 9, lastEnrolledAt: hoursLater(1), tally }));
  assert.equal(state.waitsFor, 'no boot in wave ring is confirmed yet');
});

test('a wave that was half enrolled before it opened does not wait for another device', () => {
  const exposure = anExposure({ waveIndex: 1, waveStartedAt: NOW });
  const tally = { ...confirmed(3), enrolled: [{ pi: 0.2, eventsTreated: 3, eventsControl: 8 }] };
  assert.equal(waveNow(plan, exposure, seen({ hours: 6, tally })).waveIndex, 2);
});

test('the last wave has no next', () => {
  assert.ok(waveNow(plan, anExposure({ waveIndex: 4 }), seen({ hours: 99 })).isLast);
});

test('a wave is its share of the population, never fewer than the first step, and none for rings alone', () => {
  const of = (index: number, population: number) => waveDevices(plan.waves[index], population);
  assert.deepEqual([of(0, 2_003), of(1, 2_003), of(2, 2_003), of(4, 2_003)], [0, 21, 201, 2_003]);
  assert.deepEqual([of(1, 100), of(1, 7)], [10, 7]);
});

interface Seen extends Partial<WaveEvidence> {
  readonly hours: number;
}

function seen({ hours, ...own }: Seen): WaveEvidence {
  return { tally: emptyTally(), population: 2_003, now: hoursLater(hours), asOf: hoursLater(hours), ...own };
}

function hoursLater(count: number) {
  return fleetInstant(NOW + Math.round(count * 60) * MINUTE_MS);
}

function confirmed(devices: number): Tally {
  return { ...emptyTally(), revert: { open: devices, closed: devices, events: 0, confirmed: devices } };
}

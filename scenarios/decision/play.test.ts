// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quantiles } from './cells.ts';
import { playDeviceByDevice } from './device-by-device.ts';
import { type PlayOptions, play, type Run } from './play.ts';
import { playRivals } from './play-rivals.ts';
import { RIVALS } from './rivals.ts';
import { worldNamed } from './worlds.ts';

const MILLION = 1_000_000;

test('a fleet counted by classes does what a fleet followed device by device does', () => {
  const small = { world: worldNamed('F2'), devices: 4_000, daysMax: 6 };
  const counted = Array.from({ length: 60 }, (_, seed) => play({ ...small, seed: `counted-${seed}` }));
  const single = Array.from({ length: 14 }, (_, seed) => playDeviceByDevice({ ...small, seed: `single-${seed}` }));
  for (const what of ['harmed', 'treated'] as const) {
    const [a, b] = [moments(counted.map((one) => one[what])), moments(single.map((one) => one[what]))];
    const error = Math.hypot(a.error, b.error);
    assert.ok(Math.abs(a.mean - b.mean) < 4 * error, `${what}: ${a.mean} counted, ${b.mean} single, error ${error}`);
  }
});

test('the same seed plays the same rollout', () => {
  const options = { world: worldNamed('F0.5'), devices: MILLION, seed: 'again', daysMax: 6 };
  assert.deepEqual(play(options), play(options));
});

test('caps are never exceeded, and never fall', () => {
  let cap = 0;
  const options = { world: worldNamed('GN'), devices: MILLION, seed: 'caps', daysMax: 8 };
  const watch: PlayOptions['watch'] = ({ decision: { exposure } }) => {
    assert.ok(exposure.granted <= exposure.cap);
    assert.ok(exposure.segments.every((one) => one.granted <= one.cap));
    assert.ok(exposure.cap >= cap);
    cap = exposure.cap;
  };
  play({ ...options, watch });
  assert.ok(cap > 10_000);
});

test('a release that always falls back harms ten devices at most, on a fleet of any size', () => {
  for (const devices of [10_000, MILLION, 50 * MILLION]) {
    const runs = playSeeds({ world: worldNamed('F100'), devices, daysMax: 6 }, 8);
    assert.ok(
      runs.every((one) => one.stop !== undefined && one.harmed <= 10),
      JSON.stringify(runs),
    );
  }
});

test('a release that 2 % of the devices fall back from harms a dozen of a million, and is halted within a day', () => {
  const runs = playSeeds({ world: worldNamed('F2'), devices: MILLION, daysMax: 6 }, 9);
  assert.ok(quantiles(runs.map((one) => one.harmed)).median <= 12);
  assert.ok(quantiles(runs.map((one) => one.stop?.hours ?? Number.POSITIVE_INFINITY)).median <= 24);
});

test('a good release reaches 95 % of a million devices in a fortnight, and nothing halts it', () => {
  const [run] = playSeeds({ world: worldNamed('G'), devices: MILLION, daysMax: 20 }, 1);
  assert.equal(run?.stop, undefined);
  assert.ok((run?.daysTo95 ?? Number.POSITIVE_INFINITY) <= 14);
});

test('a control arm of slow callers, where the coin should have drawn it, is held by the A/A monitor and not believed', () => {
  const reasons = new Set<string>();
  const watch: PlayOptions['watch'] = ({ decision: { overall } }) =>
    reasons.add(overall.reason.split(': ln E')[0] ?? '');
  const run = play({
    ...{ world: worldNamed('G'), devices: MILLION, seed: 'slow', daysMax: 6 },
    ...{ control: 'slow-callers', watch },
  });
  assert.equal(run.stop, undefined);
  assert.ok(run.treated < 10_000, `${run.treated} were treated`);
  assert.ok(
    reasons.has('The arms are not as the coin drew them: silence before the permit request'),
    JSON.stringify([...reasons].slice(-3)),
  );
});

test('where only the segment is halted, the others get the release', () => {
  const [run] = playSeeds({ world: worldNamed('S50-exclude'), devices: MILLION, daysMax: 20 }, 1);
  assert.equal(run?.stop, undefined);
  assert.equal(run?.haltedSegments, 1);
  assert.ok((run?.harmed ?? Number.POSITIVE_INFINITY) <= 20);
  assert.ok((run?.treated ?? 0) > 0.95 * 0.98 * MILLION);
});

test('rules that wait for many installations in ten minutes harm hundreds where the evidence harms ten', () => {
  const rivals = playRivals({ world: worldNamed('F100'), devices: MILLION, seed: 'rivals', daysMax: 6 });
  assert.deepEqual([...rivals.keys()].sort(), [...RIVALS.map((one) => one.name), 'none'].sort());
  assert.ok([...rivals].every(([rule, run]) => (run.stop !== undefined) === (rule !== 'none')));
  assert.ok((rivals.get('breaker 2 %, n >= 50')?.harmed ?? 0) > 500);
  assert.ok((rivals.get('group errors 5 %')?.harmed ?? 0) >= 10);
});

function playSeeds(options: Omit<PlayOptions, 'seed'>, seeds: number): readonly Run[] {
  return Array.from({ length: seeds }, (_, seed) => play({ ...options, seed: String(seed) }));
}

/** Mean and its standard error. */
function moments(values: readonly number[]): { readonly mean: number; readonly error: number } {
  const mean = values.reduce((sum, one) => sum + one, 0) / values.length;
  const variance = values.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (values.length - 1);
  return { mean, error: Math.sqrt(variance / values.length) };
}

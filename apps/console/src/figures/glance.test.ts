// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { overviewWith, rolloutWith } from '../example-overview.ts';
import { glanceOf } from './glance.ts';

function seen(parts: Parameters<typeof overviewWith>[0]) {
  const { tone, headline, notes } = glanceOf(overviewWith(parts));
  return { tone, headline, notes: notes.map((one) => one.text) };
}

test('the first sentence of the page answers whether a person must do something, worst first', () => {
  assert.equal(seen({}).headline, 'Quiet: no rollout is under way');
  assert.equal(seen({ rollouts: [rolloutWith()] }).headline, '1 rollout under way, nothing is stopped');
  const halted = rolloutWith({ state: 'halted', reason: 'Revert in rev-c: ln E 11.51 reached 7.78' });
  const both = seen({ rollouts: [rolloutWith({ state: 'paused', reason: 'a drill' }), halted] });
  assert.deepEqual([both.tone, both.headline], ['stop', '1 rollout is halted']);
  assert.deepEqual(both.notes, ['Revert in rev-c: ln E 11.51 reached 7.78', 'a drill']);
  assert.equal(seen({ rollouts: [halted], pausedScopes: ['global'] }).headline, 'Everything is paused');
  assert.equal(seen({ pausedScopes: ['region:north'] }).headline, 'Part of the fleet is paused');
});

test('a halt of one segment is told although the rest of the rollout goes on', () => {
  const segments = [{ segment: 'rev-c', population: 100, cap: 10, granted: 4, isHalted: true }];
  const { headline, notes } = seen({ rollouts: [rolloutWith({ segments })] });
  assert.equal(headline, 'Part of 1 rollout is halted');
  assert.deepEqual(notes, ['Halted in rev-c']);
});

test('evidence is worth a note from half of its threshold on', () => {
  const figure = { metric: 'revert', segment: 'rev-c', threshold: 8, harmUpper: 0.2 };
  assert.deepEqual(seen({ rollouts: [rolloutWith({ figures: [{ ...figure, lnE: 3.9 }] })] }).notes, []);
  const { notes } = seen({ rollouts: [rolloutWith({ figures: [{ ...figure, lnE: 6 }] })] });
  assert.deepEqual(notes, ['revert in rev-c: 75 % of the way to a halt']);
});

test('what people have ordered or said stands on the first page, whatever state the rollout is in', () => {
  const orders = {
    regions: [{ region: 'north', isRollingBack: true, population: 120 }],
    regionCount: 1,
    excludedCount: 4,
    flags: [{ severity: 'safety' as const, at: 0 as never, by: 'ada', reason: 'A brake warning' }],
    flagCount: 3,
    driverFlagCount: 2,
    limitDevices: 500,
  };
  const texts = [
    'Halted in the region north',
    '3 flags, 2 of drivers: “A brake warning”',
    '4 devices are not believed and in no count',
    'Held at 500 devices by a person',
  ];
  assert.deepEqual(seen({ rollouts: [rolloutWith({ orders })] }).notes, texts);
  assert.deepEqual(seen({ rollouts: [rolloutWith({ state: 'paused', reason: 'a drill', orders })] }).notes, [
    'a drill',
    ...texts,
  ]);
});

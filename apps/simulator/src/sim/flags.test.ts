// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '../flag-values.ts';
import { FAULT_KINDS, profileOf } from './faults/profile.ts';
import { readFlags, USAGE } from './flags.ts';

test('without flags the simulator plays seed 42 without faults', () => {
  const flags = readFlags([]);
  assert.equal(flags?.seed, '42');
  assert.deepEqual(flags?.profile, profileOf('none'));
  assert.equal(flags?.swarm, undefined);
});

test('each kind of fault has a flag of its own, which overrules the profile', () => {
  for (const kind of FAULT_KINDS) {
    assert.equal(readFlags(['--faults', 'wild', `--${kind}`, '7.5'])?.profile[kind], 7.5);
    assert.equal(readFlags(['--faults', 'wild', `--${kind}=0`])?.profile[kind], 0);
    assert.match(USAGE, new RegExp(`--${kind} <rate>`));
  }
  assert.equal(readFlags(['--kill', '2', '--faults', 'mild'])?.profile.loss, profileOf('mild').loss);
});

test('a swarm ends after its runs, or at a time of day', () => {
  assert.equal(readFlags(['--swarm', '--runs', '7'])?.swarm?.runsMax, 7);
  assert.equal(readFlags(['--swarm', '--until', '06:30'])?.swarm?.untilMinutes, 390);
});

test('a wrong flag is told by its value and what is allowed', () => {
  const wrong = [
    ['--faults', 'some'],
    ['--kill', 'often'],
    ['--until', '25:00', '--swarm'],
    ['--plant', 'roses'],
    ['--x'],
  ];
  for (const parameters of wrong) assert.throws(() => readFlags(parameters), UsageError);
});

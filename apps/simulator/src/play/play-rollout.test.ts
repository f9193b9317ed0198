// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lookout } from './play-rollout.ts';
import type { Participant } from './stage.ts';

test('a fleet is there when all but eight in a thousand run the version and can say so, whoever changes in between', () => {
  const versions = Array.from({ length: 1_000 }, () => '1.0.0');
  const silent = new Set<number>();
  const participants = versions.map((_, index): Participant => {
    const now = () => ({
      state: 'idle',
      reason: '',
      activeVersion: versions[index] ?? '',
      isSilent: silent.has(index),
    });
    return { deviceId: `d-${index}` as Participant['deviceId'], now } as Participant;
  });
  const isThere = lookout(participants, '2.0.0');
  const see = (from: number, to: number, version: string) => versions.fill(version, from, to);
  assert.equal(isThere(), false);
  see(0, 991, '2.0.0');
  assert.equal(isThere(), false, 'nine are behind');
  see(999, 1_000, '2.0.0');
  assert.equal(isThere(), true, 'eight are');
  silent.add(0);
  assert.equal(isThere(), false, 'one of the others fell silent');
  see(991, 999, '2.0.0');
  assert.equal(isThere(), true);
  see(100, 200, '1.0.0');
  assert.equal(isThere(), false);
});

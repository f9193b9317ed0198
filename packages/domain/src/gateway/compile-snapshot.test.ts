// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { anExposure, aPlan, aPolicy, aSnapshot, id } from '@outrider/testkit/small-fleet';
import type { RolloutId } from '../kernel/ids.ts';
import type { PolicyChange } from '../policy/log.ts';
import type { RolloutEvent } from '../policy/rollout.ts';
import { thresholdOf } from './candidate.ts';
import { compileSnapshot } from './compile-snapshot.ts';
import type { LiveRollout } from './snapshot.ts';

const R1 = id<RolloutId>('r1');

describe('the compiled policy', () => {
  test('holds what has started and not been cancelled, and nothing else', () => {
    const after = (...events: readonly RolloutEvent[]) => aSnapshot([{ events }]).rollouts.has(R1);
    assert.ok(after() && after('pause') && after('halt') && after('complete') && after('halt', 'roll-back'));
    assert.ok(after('halt', 'roll-back', 'rolled-back'), 'a device may have slept through it');
    assert.ok(!after('cancel'));
    const created: PolicyChange = { kind: 'rollout-created', plan: aPlan() };
    const draft = compileSnapshot({ policy: aPolicy([created]), releases: [], deltas: [], exposures: [anExposure()] });
    assert.equal(draft.rollouts.size, 0);
  });

  test('leaves a rollout out while its release or its caps are not known: no offer is the safe answer', () => {
    const { release, rollout } = live();
    const policy = { ...aPolicy([]), rollouts: new Map([[R1, rollout]]) };
    const sources = { policy, releases: [release], deltas: [], exposures: [anExposure()] };
    assert.equal(compileSnapshot(sources).rollouts.size, 1);
    assert.equal(compileSnapshot({ ...sources, releases: [] }).rollouts.size, 0);
    assert.equal(compileSnapshot({ ...sources, exposures: [] }).rollouts.size, 0);
  });

  test('names every image of release and twin once, so that deltas both ways are found', () => {
    const digests = live().imageDigests.map((digest) => digest.slice(0, 1));
    assert.deepEqual(digests, ['b', 'a']);
  });
});

describe('the threshold of a rollout', () => {
  test('is the share of the fleet that may download, and one once it is complete', () => {
    assert.equal(thresholdOf(live({ downloadsAllowed: 750 })), 0.25);
    assert.equal(thresholdOf(live({ downloadsAllowed: 9_000 })), 1);
    assert.equal(thresholdOf(live({ downloadsAllowed: 0, isComplete: true })), 1);
  });

  test('is zero while only rings are open, and for a fleet of no devices', () => {
    assert.equal(thresholdOf(live({ waveIndex: 0 })), 0);
    assert.equal(thresholdOf(live({ segments: [] })), 0);
  });
});

function live(exposure: Parameters<typeof anExposure>[0] = {}): LiveRollout {
  const found = aSnapshot([{ exposure: anExposure(exposure) }]).rollouts.get(R1);
  assert.ok(found !== undefined);
  return found;
}

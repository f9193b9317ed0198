// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aPlan, aPolicy, id, NOW } from '@outrider/testkit/small-fleet';
import type { Revision, RolloutId } from '../kernel/ids.ts';
import { MINUTE_MS, minutes } from '../kernel/time.ts';
import { decideChange } from './decide-change.ts';
import { foldPolicy, type Policy } from './fold.ts';
import type { PolicyChange } from './log.ts';
import { RESTORE_REVISIONS, restoreEntry } from './restore.ts';

const R1 = id<RolloutId>('r1');
const R2 = id<RolloutId>('r2');
const CREATED: PolicyChange = { kind: 'rollout-created', plan: aPlan() };

describe('a restored policy', () => {
  test('is paused everywhere, rollbacks included, until a person resumes, and says why', () => {
    const policy = restored(aPolicy([CREATED, event('approve'), event('start')]));
    assert.deepEqual(policy.pausedScopes, [{ scope: 'global', isIncludingRollback: true }]);
    assert.deepEqual(policy.restored, { revision: 3 + RESTORE_REVISIONS + 1, at: NOW, reason: 'Backup of noon' });
    const resume: PolicyChange = { kind: 'scope-resumed', scope: 'global', reason: 'Looked at it' };
    assert.ok(decideChange(policy, resume).ok);
    const resumed = next(policy, resume);
    assert.deepEqual(resumed.pausedScopes, []);
    assert.equal(resumed.restored, undefined);
  });

  test('is not resumed by what resumes a region', () => {
    const policy = next(restored(aPolicy([CREATED])), { kind: 'scope-resumed', scope: 'region:eu', reason: 'Over' });
    assert.notEqual(policy.restored, undefined);
  });

  test('has a revision and epochs above all that were given out after the backup', () => {
    const backup = aPolicy([CREATED, event('approve'), event('start')]);
    // What the fleet saw after the backup was made, and the restore knows nothing about.
    let lost = backup;
    for (let count = 0; count < 50; count++) lost = next(next(lost, event('pause')), event('resume'));
    const policy = restored(backup);
    assert.ok(policy.revision > lost.revision);
    assert.ok(epochOf(policy, R1) > epochOf(lost, R1));
  });

  test('has higher ones again when the same backup is restored a second time', () => {
    const backup = aPolicy([CREATED, event('approve'), event('start')]);
    let first = restored(backup, MINUTE_MS);
    for (let count = 0; count < 50; count++) first = next(next(first, event('pause')), event('resume'));
    const second = restored(backup, minutes(2));
    assert.ok(second.revision > first.revision);
    assert.ok(epochOf(second, R1) > epochOf(first, R1));
  });

  test('begins a new rollout above the epochs of one that was lost under the same id', () => {
    const plan = { ...aPlan(), rolloutId: R2, salt: 'another-salt' };
    const backup = aPolicy([CREATED]);
    const lost = next(backup, { kind: 'rollout-created', plan });
    const policy = next(restored(backup), { kind: 'rollout-created', plan });
    assert.ok(epochOf(policy, R2) > epochOf(lost, R2));
    assert.ok(epochOf(restored(policy), R2) > epochOf(policy, R2), 'and again after a second restore');
  });
});

function restored(policy: Policy, sinceMs = minutes(0)): Policy {
  const entry = restoreEntry({ newest: policy.revision, sinceMs, at: NOW, reason: 'Backup of noon' });
  return foldPolicy(policy, entry);
}

function next(policy: Policy, change: PolicyChange): Policy {
  // The constructor of the next revision.
  return foldPolicy(policy, { revision: (policy.revision + 1) as Revision, at: NOW, author: 'ada', change });
}

function event(name: 'approve' | 'start' | 'pause' | 'resume'): PolicyChange {
  return { kind: 'rollout-event', rolloutId: R1, event: name, reason: `Because of ${name}` };
}

function epochOf(policy: Policy, rolloutId: RolloutId): number {
  return policy.rollouts.get(rolloutId)?.epoch ?? 0;
}

// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { propertyOptions } from '@outrider/testkit/seed';
import { aPlan, aPolicy, id, NOW } from '@outrider/testkit/small-fleet';
import fc from 'fast-check';
import type { Revision, RolloutId, SegmentId } from '../kernel/ids.ts';
import { decideChange } from './decide-change.ts';
import { emptyPolicy, foldEntries, foldPolicy, type Policy } from './fold.ts';
import type { PolicyChange, PolicyEntry } from './log.ts';
import type { Rollout, RolloutEvent, RolloutState } from './rollout.ts';
import { ROLLOUT_TABLE, raisesEpoch } from './rollout-table.ts';

const R1 = id<RolloutId>('r1');
const CREATED: PolicyChange = { kind: 'rollout-created', plan: aPlan() };
const EVENTS = Object.keys(ROLLOUT_TABLE.draft) as RolloutEvent[];

describe('the policy', () => {
  test('leads a rollout from draft to rolled back, each state with its reason', () => {
    const rollout = rolloutAfter(['approve', 'start', 'pause', 'resume', 'halt', 'roll-back', 'rolled-back']);
    assert.deepEqual([rollout.state, rollout.reason], ['rolled-back', 'Because of rolled-back']);
  });

  test('raises the epoch with everything that takes permits away, and with nothing else', () => {
    assert.equal(rolloutAfter(['approve', 'start']).epoch, 1);
    assert.equal(rolloutAfter(['approve', 'start', 'pause']).epoch, 2);
    assert.equal(rolloutAfter(['approve', 'start', 'pause', 'resume']).epoch, 2);
    assert.equal(rolloutAfter(['approve', 'start', 'halt', 'roll-back']).epoch, 3);
  });

  test('keeps the time of a state when the same is ordered again, and the newest reason', () => {
    const once = aPolicy([CREATED, event('approve'), event('start'), event('pause')]);
    const again = foldPolicy(once, entryAfter(once, { ...event('pause'), reason: 'Still' }, 99));
    const rollout = again.rollouts.get(R1);
    assert.deepEqual([rollout?.stateSince, rollout?.reason, rollout?.state], [NOW, 'Still', 'paused']);
  });

  test('is the same whether folded at once or entry by entry', () => {
    fc.assert(
      fc.property(anyLog(), (entries) => {
        const stepwise = entries.reduce(foldPolicy, emptyPolicy());
        assert.deepEqual(foldEntries(emptyPolicy(), entries), stepwise);
      }),
      propertyOptions(),
    );
  });

  test('pauses a scope, widens the pause to rollbacks, and never narrows it without a resume', () => {
    const pause = (isIncludingRollback: boolean): PolicyChange => {
      return { kind: 'scope-paused', scope: 'region:eu', reason: 'Storm', isIncludingRollback };
    };
    const policy = aPolicy([pause(true), pause(false)]);
    assert.deepEqual(policy.pausedScopes, [{ scope: 'region:eu', isIncludingRollback: true }]);
    const resumed: PolicyChange = { kind: 'scope-resumed', scope: 'region:eu', reason: 'Over' };
    assert.deepEqual(aPolicy([pause(true), resumed]).pausedScopes, []);
  });
});

describe('a change is refused', () => {
  test('when it would go on after a halt: that takes a new rollout', () => {
    assert.deepEqual(faultAfter(['approve', 'start', 'halt'], event('resume')), {
      code: 'transition-impossible',
      state: 'halted',
      event: 'resume',
    });
  });

  test('when it would stop a rollback without saying so', () => {
    const goingBack = ['approve', 'start', 'halt', 'roll-back'] as const;
    for (const name of ['pause', 'cancel'] as const) {
      assert.equal(faultAfter(goingBack, event(name))?.code, 'rollback-not-included');
      assert.equal(faultAfter(goingBack, { ...event(name), isIncludingRollback: true }), undefined);
    }
  });

  test('when its rollout exists, does not exist, or would draw the same canaries', () => {
    assert.equal(faultAfter([], CREATED)?.code, 'rollout-exists');
    assert.equal(faultAfter([], { ...event('start'), rolloutId: id<RolloutId>('r9') })?.code, 'rollout-unknown');
    const sameSalt: PolicyChange = { kind: 'rollout-created', plan: aPlan({ rolloutId: id<RolloutId>('r9') }) };
    assert.equal(faultAfter([], sameSalt)?.code, 'salt-reused');
    const broken: PolicyChange = {
      kind: 'rollout-created',
      plan: aPlan({ rolloutId: id('r9'), salt: 'other-salt', waves: [] }),
    };
    assert.equal(faultAfter([], broken)?.code, 'waves-missing');
  });

  test('when the segment is halted already, or nothing runs', () => {
    const halt: PolicyChange = {
      kind: 'segment-halted',
      rolloutId: R1,
      segment: id<SegmentId>('rev-c'),
      reason: 'Reverts',
    };
    assert.equal(faultAfter(['approve'], halt)?.code, 'rollout-not-live');
    assert.equal(faultAfter(['approve', 'start'], halt), undefined);
    const halted = aPolicy([CREATED, event('approve'), event('start'), halt]);
    const result = decideChange(halted, halt);
    assert.equal(!result.ok && result.error.code, 'segment-already-halted');
  });

  test('when it resumes what is not paused', () => {
    const resume: PolicyChange = { kind: 'scope-resumed', scope: 'global', reason: 'Over' };
    assert.equal(faultAfter([], resume)?.code, 'scope-not-paused');
  });
});

describe('the table of rollouts', () => {
  const states = Object.keys(ROLLOUT_TABLE) as RolloutState[];

  test('is total: every state answers every event', () => {
    for (const state of states) assert.deepEqual(Object.keys(ROLLOUT_TABLE[state]).sort(), [...EVENTS].sort());
  });

  test('has no way from halted, rolling back, rolled back or cancelled to running', () => {
    assert.deepEqual(reachableFrom('halted'), new Set(['halted', 'rolling-back', 'rolled-back', 'cancelled']));
    assert.deepEqual(reachableFrom('cancelled'), new Set(['cancelled']));
  });

  test('raises the epoch on every way from a state with permits to another', () => {
    for (const state of ['running', 'completed', 'rolling-back'] as const) {
      for (const name of EVENTS) {
        const next = ROLLOUT_TABLE[state][name];
        const keepsPermits = next === 'impossible' || next === 'stay' || next === 'completed' || next === 'rolled-back';
        assert.ok(keepsPermits || raisesEpoch(name), `${state} on ${name}`);
      }
    }
  });
});

function reachableFrom(start: RolloutState): ReadonlySet<RolloutState> {
  const found = new Set<RolloutState>([start]);
  for (const state of found) {
    for (const next of Object.values(ROLLOUT_TABLE[state])) {
      if (next !== 'stay' && next !== 'impossible') found.add(next);
    }
  }
  return found;
}

function event(name: RolloutEvent): Extract<PolicyChange, { kind: 'rollout-event' }> {
  return { kind: 'rollout-event', rolloutId: R1, event: name, reason: `Because of ${name}` };
}

function rolloutAfter(events: readonly RolloutEvent[]): Rollout {
  const rollout = aPolicy([CREATED, ...events.map(event)]).rollouts.get(R1);
  assert.ok(rollout !== undefined);
  return rollout;
}

function faultAfter(events: readonly RolloutEvent[], change: PolicyChange) {
  const result = decideChange(aPolicy([CREATED, ...events.map(event)]), change);
  return result.ok ? undefined : result.error;
}

function entryAfter(policy: Policy, change: PolicyChange, laterMs = 0): PolicyEntry {
  const at = (NOW + laterMs) as typeof NOW;
  return { revision: (policy.revision + 1) as Revision, at, author: 'operator', change };
}

/** A log as the server would have let it grow: of the changes drawn, those that were possible. */
function anyLog(): fc.Arbitrary<readonly PolicyEntry[]> {
  return fc.array(fc.constantFrom(...EVENTS), { maxLength: 12 }).map((events) => {
    const entries: PolicyEntry[] = [];
    let policy = emptyPolicy();
    for (const change of [CREATED, ...events.map(event)]) {
      if (!decideChange(policy, change).ok) continue;
      const entry = entryAfter(policy, change);
      entries.push(entry);
      policy = foldPolicy(policy, entry);
    }
    return entries;
  });
}

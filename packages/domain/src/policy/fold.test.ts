// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { propertyOptions } from '@outrider/testkit/seed';
import { aPlan, aPolicy, id, NOW } from '@outrider/testkit/small-fleet';
import fc from 'fast-check';
import type { DeviceId, Revision, RolloutId, SegmentId } from '../kernel/ids.ts';
import { decideChange } from './decide-change.ts';
import { emptyPolicy, foldEntries, foldPolicy, type Policy } from './fold.ts';
import type { PolicyChange, PolicyEntry } from './log.ts';
import { RESUME_TYPE } from './resume-approval.ts';
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
  test('when it would go on after a halt without the signatures of two people', () => {
    assert.deepEqual(faultAfter(['approve', 'start', 'halt'], event('resume')), { code: 'resume-unsigned' });
    const ordered = { ...event('resume'), resumed: { counts: 'continue', segments: [] } } as const;
    assert.deepEqual(faultAfter(['approve', 'start', 'halt'], ordered), { code: 'resume-unsigned' });
    assert.equal(faultAfter(['approve', 'start', 'halt'], signedResume()), undefined);
    assert.equal(faultAfter(['approve', 'start', 'pause'], signedResume())?.code, 'rollout-not-halted');
    assert.equal(faultAfter(['approve', 'start', 'halt'], signedResume(['rev-x']))?.code, 'segment-not-halted');
  });

  test('when evidence is excluded while nobody has to look before the rollout goes on', () => {
    const excluded = belief('evidence-excluded', ['d1']);
    for (const steps of [
      ['approve', 'start'],
      ['approve', 'start', 'pause'],
    ] as const) {
      assert.equal(faultAfter(steps, excluded)?.code, 'rollout-not-halted');
    }
    assert.equal(faultAfter(['approve', 'start', 'halt'], excluded), undefined);
    const included = belief('evidence-included', ['d1']);
    assert.equal(faultAfter(['approve', 'start', 'halt'], included)?.code, 'exclusion-unchanged');
    const many = Array.from({ length: 1_001 }, (_, index) => `d${index}`);
    assert.equal(
      faultAfter(['approve', 'start', 'halt'], belief('evidence-excluded', many))?.code,
      'exclusions-too-many',
    );
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

describe('a halted rollout', () => {
  const drawn = fc.oneof(
    fc.constantFrom(...EVENTS).map(event),
    fc.constantFrom(signedResume(), signedResume([], 'restart'), signedResume(['rev-c'])),
    fc.constantFrom(belief('evidence-excluded', ['d1', 'd2']), belief('evidence-included', ['d2'])),
  );

  test('stays halted, whatever is tried, until two people have signed', () => {
    fc.assert(
      fc.property(fc.array(drawn, { maxLength: 30 }), (changes) => {
        let policy = aPolicy([CREATED, event('approve'), event('start')]);
        for (const change of changes) {
          if (!decideChange(policy, change).ok) continue;
          const before = policy.rollouts.get(R1)?.state;
          policy = foldPolicy(policy, entryAfter(policy, change));
          const isRunningAgain = before === 'halted' && policy.rollouts.get(R1)?.state === 'running';
          assert.ok(!isRunningAgain || (change.kind === 'rollout-event' && change.approval !== undefined));
        }
      }),
      propertyOptions(),
    );
  });

  test('opens the segments that were signed and no other, and counts how often its tests began again', () => {
    const [b, c] = ['rev-b', 'rev-c'].map((one) => id<SegmentId>(one));
    assert.ok(b !== undefined && c !== undefined);
    const halts: PolicyChange[] = [b, c].map((segment) => ({
      kind: 'segment-halted',
      rolloutId: R1,
      segment,
      reason: 'Reverts',
    }));
    const changes = [
      CREATED,
      event('approve'),
      event('start'),
      ...halts,
      event('halt'),
      signedResume(['rev-c'], 'restart'),
    ];
    const once = aPolicy(changes).rollouts.get(R1);
    assert.deepEqual([once?.state, once?.haltedSegments, once?.restarted?.count], ['running', [b], 1]);
    const twice = aPolicy([...changes, event('halt'), signedResume([], 'restart')]).rollouts.get(R1);
    assert.equal(twice?.restarted?.count, 2);
    assert.equal(twice?.epoch, 3, 'going on gives no permit of before back');
  });

  test('leaves out whom a person named, in one order, until they are named again', () => {
    const halted = [CREATED, event('approve'), event('start'), event('halt')];
    const excluded = [...halted, belief('evidence-excluded', ['d2', 'd1']), belief('evidence-excluded', ['d0'])];
    assert.deepEqual(aPolicy(excluded).rollouts.get(R1)?.excludedDevices, ['d0', 'd1', 'd2']);
    const again = [...excluded, belief('evidence-included', ['d1', 'd0', 'd2'])];
    assert.equal(aPolicy(again).rollouts.get(R1)?.excludedDevices, undefined);
  });
});

describe('the table of rollouts', () => {
  const states = Object.keys(ROLLOUT_TABLE) as RolloutState[];

  test('is total: every state answers every event', () => {
    for (const state of states) assert.deepEqual(Object.keys(ROLLOUT_TABLE[state]).sort(), [...EVENTS].sort());
  });

  test('has no way from halted to running but a resume, and none at all from rolled back or cancelled', () => {
    const fromHalted = EVENTS.filter((name) => ROLLOUT_TABLE.halted[name] === 'running');
    assert.deepEqual(fromHalted, ['resume']);
    assert.deepEqual(reachableFrom('rolled-back'), new Set(['rolled-back']));
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

/** As the server writes it, once it has verified the envelope. */
function signedResume(
  segments: readonly string[] = [],
  counts: 'continue' | 'restart' = 'continue',
): Extract<PolicyChange, { kind: 'rollout-event' }> {
  return {
    ...event('resume'),
    approval: { payloadType: RESUME_TYPE, payload: '{}', signatures: [] },
    resumed: { counts, segments: segments.map((one) => id<SegmentId>(one)) },
  };
}

function belief(kind: 'evidence-excluded' | 'evidence-included', devices: readonly string[]): PolicyChange {
  return { kind, rolloutId: R1, deviceIds: devices.map((one) => id<DeviceId>(one)), reason: 'Keys were stolen' };
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

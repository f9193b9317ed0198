// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aDevice, aSnapshot, NOW } from '@outrider/testkit/small-fleet';
import { fleetInstant } from '../kernel/time.ts';
import { decideChange } from '../policy/decide-change.ts';
import { emptyPolicy, foldPolicy } from '../policy/fold.ts';
import type { PolicyChange } from '../policy/log.ts';
import { answerCheckIn } from './answer-check-in.ts';
import { answerPermit } from './answer-permit.ts';
import { explainDevice } from './explain.ts';
import { causeOf, reasonOfCause } from './explain-rollout.ts';

const FREEZE: PolicyChange = {
  kind: 'freeze-set',
  freezeId: 'holidays',
  audience: { kind: 'attribute', name: 'region', in: ['eu'] },
  times: { kind: 'once', from: NOW, until: fleetInstant(NOW + 86_400_000) },
  reason: 'nobody is at work',
  isIncludingRollback: false,
};

const EXCLUSION: PolicyChange = {
  kind: 'exclusion-set',
  exclusionId: 'exhibits',
  of: { kind: 'tag', tag: 'exhibit' },
  reason: 'on show',
  expiresAt: fleetInstant(NOW + 3_600_000),
};

function asked(changes: readonly PolicyChange[], attributes: object = {}, now = NOW) {
  const snapshot = aSnapshot([{}], changes);
  const [live] = snapshot.rollouts.values();
  assert.ok(live !== undefined);
  const device = aDevice({ attributes: { tags: ['dogfood'], ...attributes } });
  const { rolloutId } = live.rollout.plan;
  const { releaseId } = live.release.manifest;
  const { deviceId, status } = device.record;
  const permit = answerPermit(
    snapshot,
    device,
    { ...{ deviceId, rolloutId, releaseId, isRollback: false }, sequence: 2 } as Parameters<typeof answerPermit>[2],
    now,
  );
  const checkIn = answerCheckIn(
    snapshot,
    device,
    { deviceId, sequence: 2, running: status.running, state: 'idle' },
    now,
  );
  const standing = { device: device.record };
  const cause = causeOf(snapshot, live, standing, now);
  return {
    cause: [cause, reasonOfCause(snapshot, live, { standing, cause, now })],
    permitSentence: explainDevice(snapshot, device, now).rollouts[0]?.permit.sentence ?? '',
    permit: 'code' in permit ? permit.code : 'permit',
    checkIn: checkIn.kind === 'refusal' ? checkIn.code : 'offer',
    explained: explainDevice(snapshot, device, now).rollouts[0]?.offer ?? [],
  };
}

describe('a freeze', () => {
  test('gives no new permit to its audience, lets it download, and is told in the explanation', () => {
    const before = asked([]);
    const frozen = asked([FREEZE]);
    assert.deepEqual([before.permit, before.checkIn], ['permit', 'offer']);
    assert.deepEqual([frozen.permit, frozen.checkIn], ['frozen', 'offer']);
    const told = frozen.explained.find((one) => one.predicate === 'frozen');
    assert.equal(told?.holds, false);
    assert.match(told?.seen ?? '', /^holidays until 2027-01-16T08:00:00Z: nobody is at work$/);
    assert.match(frozen.permitSentence, /frozen by holidays until 2027-01-16T08:00:00Z/);
    assert.deepEqual(frozen.cause, ['frozen', 'holidays until 2027-01-16T08:00:00Z: nobody is at work']);
  });

  test('leaves others alone, ends by itself, and ends when it is lifted', () => {
    assert.equal(asked([FREEZE], { region: 'us' }).permit, 'permit');
    assert.equal(asked([FREEZE], {}, fleetInstant(NOW + 86_400_000)).permit, 'permit');
    assert.equal(asked([FREEZE, { kind: 'freeze-lifted', freezeId: 'holidays', reason: 'r' }]).permit, 'permit');
  });
});

describe('an exclusion', () => {
  test('keeps devices with the tag out by name, others in, and ends by itself', () => {
    const tags = { tags: ['dogfood', 'exhibit'] };
    const excluded = asked([EXCLUSION], tags);
    assert.deepEqual([excluded.permit, excluded.checkIn], ['excluded', 'excluded']);
    assert.equal(excluded.explained.find((one) => one.predicate === 'excluded')?.seen, 'exhibits: on show');
    assert.equal(asked([EXCLUSION]).permit, 'permit');
    assert.equal(asked([EXCLUSION], tags, fleetInstant(NOW + 3_600_000)).permit, 'permit');
  });
});

test('orders that are not there cannot be lifted, an empty freeze is refused, and a name is replaced', () => {
  const refused = (change: PolicyChange) => {
    const decided = decideChange(emptyPolicy(), change);
    return decided.ok ? undefined : decided.error.code;
  };
  assert.equal(refused({ kind: 'freeze-lifted', freezeId: 'x', reason: 'r' }), 'order-unknown');
  assert.equal(refused({ kind: 'exclusion-lifted', exclusionId: 'x', reason: 'r' }), 'order-unknown');
  assert.equal(refused({ ...FREEZE, times: { kind: 'once', from: NOW, until: NOW } }), 'freeze-empty');
  assert.equal(refused(FREEZE), undefined);
  const first = foldPolicy(emptyPolicy(), { revision: 1, at: NOW, author: 'ada', change: FREEZE } as never);
  const second = foldPolicy(first, {
    revision: 2,
    at: NOW,
    author: 'ada',
    change: { ...FREEZE, reason: 'longer' },
  } as never);
  assert.deepEqual(
    second.orders.freezes.map((one) => one.reason),
    ['longer'],
  );
});

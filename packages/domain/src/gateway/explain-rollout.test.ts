// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { propertyOptions } from '@outrider/testkit/seed';
import {
  aDevice,
  anExposure,
  aPlan,
  aSnapshot,
  id,
  NOW,
  type SmallDevice,
  type SmallRollout,
} from '@outrider/testkit/small-fleet';
import fc from 'fast-check';
import { present } from '../kernel/assert.ts';
import type { RolloutId } from '../kernel/ids.ts';
import { after, DAY_MS, type FleetInstant } from '../kernel/time.ts';
import { answerCheckIn } from './answer-check-in.ts';
import {
  causeOf,
  causeTally,
  type DeviceStanding,
  OTHER_REASONS,
  REASONS_MAX,
  SAMPLES_MAX,
} from './explain-rollout.ts';

function causeIn(rollout: SmallRollout, standing: DeviceStanding, now: FleetInstant = NOW): string {
  const snapshot = aSnapshot([rollout]);
  const live = present(snapshot.rollouts.get(id<RolloutId>('r1')), 'the rollout');
  return causeOf(snapshot, live, standing, now);
}

const treated = { arm: 'treated', grantedAt: NOW } as const;
const device = aDevice().record;
const updated = aDevice({ version: '1.1.0', releaseCounter: 2, image: 'b' }).record;

describe('a device before a rollout', () => {
  test('has the cause that its check-in would be refused for, or is offered the release', () => {
    const rollout = fc.record({
      exposure: fc.constantFrom(anExposure(), anExposure({ downloadsAllowed: 900 }), anExposure({ segments: [] })),
      events: fc.constantFrom([], ['pause'] as const, ['halt'] as const),
      haltedSegments: fc.constantFrom([], ['rev-a']),
      plan: fc.constantFrom(
        aPlan({ onHalt: 'stay' }),
        aPlan({ onHalt: 'stay', audience: { kind: 'attribute', name: 'region', in: ['eu'] } }),
      ),
    });
    const parts: fc.Arbitrary<SmallDevice> = fc.record({
      deviceId: fc.constantFrom('d1', 'd2', 'd3', 'd4', 'd5'),
      attributes: fc.record({ region: fc.constantFrom('eu', 'us'), hardwareId: fc.constantFrom('rev-a', 'rev-z') }),
      releaseCounter: fc.constantFrom(1, 2, 9),
    });
    fc.assert(
      fc.property(rollout, parts, (one, part) => {
        const known = aDevice(part);
        const { running, sequence, state } = known.record.status;
        const checkIn = { deviceId: known.record.deviceId, sequence, running, state };
        const answer = answerCheckIn(aSnapshot([one]), known, checkIn, NOW);
        const cause = causeIn(one, { device: known.record });
        if (answer.kind === 'refusal') assert.equal(cause, answer.code);
        else assert.equal(cause, 'offered-whole');
      }),
      propertyOptions(),
    );
  });

  test('that is offered the release waits for a permit, for its own conditions, or is silent', () => {
    const state = (name: 'idle' | 'deferred') => ({ device: { ...device, status: { ...device.status, state: name } } });
    assert.equal(causeIn({}, state('idle')), 'offered-whole');
    assert.equal(causeIn({}, state('deferred')), 'deferred');
    assert.equal(causeIn({ exposure: anExposure({ granted: 3_000 }) }, { device }), 'cap-full');
    const full = anExposure().segments.map((one) => ({ ...one, granted: 1_000 }));
    assert.equal(causeIn({ exposure: anExposure({ segments: full }) }, { device }), 'segment-cap-full');
    assert.equal(causeIn({}, { device }, after(NOW, DAY_MS)), 'silent');
  });

  test('that was permitted is told by what came of it, the worst first', () => {
    const at = { verifiedAt: NOW };
    assert.equal(causeIn({}, { device, enrolment: treated }), 'under-way');
    assert.equal(causeIn({}, { device: updated, enrolment: { ...treated, ...at } }), 'verified');
    assert.equal(causeIn({}, { device: updated, enrolment: { ...treated, ...at, crashedAt: NOW } }), 'crashed-since');
    assert.equal(causeIn({}, { device, enrolment: { ...treated, revertedAt: NOW } }), 'reverted');
    assert.equal(causeIn({}, { device, enrolment: { ...treated, installFailedAt: NOW } }), 'install-failed');
    const later = after(NOW, DAY_MS);
    assert.equal(causeIn({}, { device: updated, enrolment: { ...treated, ...at } }, later), 'silent-since-permit');
    assert.equal(causeIn({}, { device, enrolment: { arm: 'control', grantedAt: NOW } }), 'control-arm');
  });

  test('that runs a release that goes back is offered the way back, goes it, and is back', () => {
    const back: SmallRollout = { events: ['halt', 'roll-back'] };
    const enrolment = { ...treated, verifiedAt: NOW };
    assert.equal(causeIn(back, { device: updated, enrolment }), 'way-back-open');
    assert.equal(causeIn(back, { device: updated, enrolment, rollback: treated }), 'going-back');
    assert.equal(causeIn(back, { device, enrolment, rollback: { ...treated, verifiedAt: NOW } }), 'back');
    assert.equal(causeIn(back, { device, enrolment: { ...treated, revertedAt: NOW } }), 'reverted');
  });
});

test('a tally of a fleet counts every device once and stays small whatever devices write', () => {
  const tally = causeTally();
  for (let number = 0; number < 1_000; number++) {
    const standing = { device: aDevice({ deviceId: `d${number}` }).record, detail: `fault ${number % 50}\nmore` };
    tally.add(standing, number % 2 === 0 ? 'reverted' : 'verified');
  }
  const groups = tally.groups();
  assert.equal(
    groups.reduce((sum, one) => sum + one.devices, 0),
    1_000,
  );
  assert.ok(groups.every((one) => one.samples.length <= SAMPLES_MAX));
  const reverted = groups.filter((one) => one.cause === 'reverted');
  assert.equal(reverted.length, REASONS_MAX + 1);
  assert.equal(reverted[0]?.reason, OTHER_REASONS);
  assert.deepEqual(groups.at(-1)?.cause, 'verified');
  assert.equal(groups.at(-1)?.reason, undefined);
});

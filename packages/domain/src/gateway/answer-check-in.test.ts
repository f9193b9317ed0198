// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { propertyOptions } from '@outrider/testkit/seed';
import {
  aDevice,
  aManifest,
  anExposure,
  aPlan,
  aSnapshot,
  digestOf,
  id,
  NOW,
  type SmallDevice,
  type SmallRollout,
} from '@outrider/testkit/small-fleet';
import fc from 'fast-check';
import type { Bytes, ReleaseCounter, ReleaseId, RolloutId } from '../kernel/ids.ts';
import type { Audience } from '../policy/audience.ts';
import { NO_ORDERS } from '../policy/freeze.ts';
import type { PolicyChange } from '../policy/log.ts';
import { orderOf } from '../policy/place.ts';
import { answerCheckIn, candidatesOf, lastEnrolment } from './answer-check-in.ts';
import { answerPermit } from './answer-permit.ts';
import type { CheckIn, CheckInAnswer } from './check-in.ts';
import { compileSnapshot } from './compile-snapshot.ts';
import type { KnownDevice } from './device-record.ts';
import { explainDevice } from './explain.ts';
import type { LedgerRow } from './ledger.ts';
import { pollAfter } from './poll.ts';
import type { PolicySnapshot } from './snapshot.ts';

describe('a device that checks in', () => {
  test('is offered a running release that it may have', () => {
    const answer = ask(aSnapshot([{}]), aDevice());
    assert.equal(answer.kind, 'offer');
    assert.equal(answer.kind === 'offer' && answer.releaseId, 'camera-1.1.0');
    assert.equal(answer.kind === 'offer' && answer.isRollback, false);
  });

  test('is told that no rollout is live for its type', () => {
    assert.equal(codeOf(aSnapshot([]), {}), 'no-rollout');
    assert.equal(codeOf(aSnapshot([{}]), { attributes: { deviceType: 'gateway' } }), 'no-rollout');
  });

  for (const [claim, rollout, device, code] of refusals()) {
    test(`gets nothing because ${claim}, and is told so`, () => {
      assert.equal(codeOf(aSnapshot([rollout]), device), code);
    });
  }

  test('in a paused region gets nothing, while its neighbours do', () => {
    const paused: PolicyChange = { kind: 'scope-paused', scope: 'region:eu', reason: 'Storm' };
    const snapshot = aSnapshot([{}], [paused]);
    assert.equal(codeOf(snapshot, {}), 'scope-paused');
    assert.equal(codeOf(snapshot, { attributes: { region: 'us' } }), 'offer');
  });

  test('in a ring is offered the release while only the ring wave is open; others wait', () => {
    const snapshot = aSnapshot([{ exposure: anExposure({ waveIndex: 0, cap: 10 }) }]);
    assert.equal(codeOf(snapshot, { attributes: { tags: ['dogfood'] } }), 'offer');
    assert.equal(codeOf(snapshot, {}), 'wave-not-open');
  });

  test('joining late, after completion, is still offered the release', () => {
    const exposure = anExposure({ isComplete: true, pi: 1, downloadsAllowed: 0 });
    assert.equal(codeOf(aSnapshot([{ exposure, events: ['complete'] }]), { deviceId: 'late' }), 'offer');
  });

  test('is offered the newest of several releases', () => {
    const answer = ask(aSnapshot([{}, newerRollout()]), aDevice());
    assert.equal(answer.kind === 'offer' && answer.rolloutId, 'r2');
  });

  test('is refused with the reason of the rollout that came closest', () => {
    const elsewhere = newerRollout({ audience: { kind: 'tag', tag: 'nobody' } });
    const answer = ask(aSnapshot([{ events: ['pause'] }, elsewhere]), aDevice());
    assert.equal(answer.kind === 'refusal' && answer.code, 'rollout-not-running');
    assert.equal(answer.kind === 'refusal' && answer.rolloutId, 'r1');
  });

  test('is offered a delta from what it runs, and the whole image when there is none', () => {
    const delta = {
      fromDigest: digestOf('a'),
      toDigest: digestOf('b'),
      format: 'zstd-patch-1',
      digest: digestOf('d'),
      bytes: 10 as Bytes,
    } as const;
    const { policy, releases, exposures } = sources();
    const snapshot = compileSnapshot({ policy, releases, exposures, deltas: [delta] });
    const kindFor = (image: string) => {
      const answer = ask(snapshot, aDevice({ image }));
      return answer.kind === 'offer' && answer.artifacts[0]?.artifact.kind;
    };
    assert.equal(kindFor('a'), 'delta');
    assert.equal(kindFor('c'), 'full');
  });
});

describe('a device that was given a bad release', () => {
  const goingBack = aSnapshot([{ events: ['halt', 'roll-back'] }]);

  test('and runs it is offered the rollback twin, whatever the waves say', () => {
    const answer = ask(goingBack, exposed({ releaseCounter: 2, version: '1.1.0' }));
    assert.equal(answer.kind === 'offer' && answer.isRollback, true);
    assert.equal(answer.kind === 'offer' && answer.releaseId, 'camera-1.1.0-back');
  });

  test('and fell back by itself needs no twin, and the explanation says why', () => {
    const device = exposed({ releaseCounter: 1 });
    assert.equal(answerCode(ask(goingBack, device)), 'rollout-not-running');
    const failing = explainDevice(goingBack, device, NOW).rollouts[0]?.offer.find((one) => !one.holds);
    assert.match(failing?.claim ?? '', /fell back by itself needs no twin/);
  });

  test('whose bytes of before lie below a floor that it has confirmed is offered no way back, and the explanation says which', () => {
    const floors = { releaseCounter: 2 as never, floors: { migration: 2 as never } };
    const wayBack = { contentCounter: 1, raised: [floors] };
    const barred = {
      ...goingBack,
      rolloutsByDeviceType: new Map(
        [...goingBack.rolloutsByDeviceType].map(([type, all]) => [type, all.map((one) => ({ ...one, wayBack }))]),
      ),
    };
    const device = exposed({ releaseCounter: 2, version: '1.1.0' });
    assert.equal(answerCode(ask(barred, device)), 'way-back-barred');
    const failing = explainDevice(barred, device, NOW).rollouts[0]?.offer.find((one) => !one.holds);
    assert.deepEqual(
      [failing?.seen, failing?.needed],
      ['bytes of counter 1', 'counter 2 or above, the migration floor'],
    );
  });

  test('and is back is left alone', () => {
    assert.equal(answerCode(ask(goingBack, exposed({ releaseCounter: 3 }))), 'already-running');
  });

  test('is taken back during a pause, unless the pause says it includes rollbacks', () => {
    const device = exposed({ releaseCounter: 2, version: '1.1.0' });
    const during = (isIncludingRollback: boolean) => {
      const pause: PolicyChange = { kind: 'scope-paused', scope: 'global', reason: 'Test', isIncludingRollback };
      return answerCode(ask(aSnapshot([{ events: ['halt', 'roll-back'] }], [pause]), device));
    };
    assert.equal(during(false), 'offer');
    assert.notEqual(during(true), 'offer');
  });

  test('is taken back even when it slept through the whole rollback', () => {
    const over = aSnapshot([{ events: ['halt', 'roll-back', 'rolled-back'] }]);
    assert.equal(answerCode(ask(over, exposed({ releaseCounter: 2, version: '1.1.0' }))), 'offer');
  });

  test('and was in the control arm has nothing to go back from', () => {
    const control = exposed({ releaseCounter: 1 }, 'control');
    assert.equal(answerCode(ask(goingBack, control)), 'rollout-not-running');
  });
});

describe('over all devices and exposures', () => {
  test('whoever is offered the release lies in the prefix of the order or in an open ring', () => {
    fc.assert(
      fc.property(anyDeviceId(), anyExposure(), fc.boolean(), (deviceId, exposure, isTagged) => {
        const device = aDevice({ deviceId, attributes: { tags: isTagged ? ['dogfood'] : [] } });
        const answer = ask(aSnapshot([{ exposure }]), device);
        const share = exposure.waveIndex === 0 ? 0 : exposure.downloadsAllowed / 3_000;
        const isInside = isTagged || orderOf('salt-of-r1', device.record.deviceId) < share;
        assert.equal(answer.kind === 'offer', isInside);
      }),
      propertyOptions(),
    );
  });

  test('allowing more downloads never takes an offer away', () => {
    fc.assert(
      fc.property(anyDeviceId(), anyExposure(), fc.nat(3_000), (deviceId, exposure, more) => {
        const wider = { ...exposure, downloadsAllowed: exposure.downloadsAllowed + more };
        const before = answerCode(ask(aSnapshot([{ exposure }]), aDevice({ deviceId })));
        const after = answerCode(ask(aSnapshot([{ exposure: wider }]), aDevice({ deviceId })));
        if (before === 'offer') assert.equal(after, 'offer');
      }),
      propertyOptions(),
    );
  });

  test('the explanation tells the same story as the answer', () => {
    fc.assert(
      fc.property(anySituation(), ({ snapshot, device }) => {
        const explanation = explainDevice(snapshot, device, NOW);
        const [rollout] = explanation.rollouts;
        const failing = rollout?.offer.find((one) => !one.holds);
        const answer = ask(snapshot, device);
        assert.equal(explanation.answer.code, answerCode(answer));
        assert.equal(failing?.predicate ?? 'offer', answerCode(answer));
        if (answer.kind === 'offer') assert.equal(failing, undefined);
      }),
      propertyOptions(),
    );
  });

  test('the answer is what all predicates of all rollouts together lead to, whoever the rollouts are for', () => {
    fc.assert(
      fc.property(anySituation({ isForSome: true }), ({ snapshot, device }) => {
        const { running, sequence } = { ...device.record.status, sequence: 2 };
        const candidates = candidatesOf(snapshot, { device, running, now: NOW });
        const told = explainDevice(snapshot, device, NOW).rollouts.map(({ rolloutId, isRollback, offer }) => {
          const asked = offer.filter(({ predicate }) => predicate !== 'frozen');
          const failing = asked.findIndex(({ holds }) => !holds);
          return { rolloutId, isRollback, reached: failing, code: asked[failing]?.predicate ?? 'offer' };
        });
        const offered =
          told.find((one) => one.code === 'offer' && one.isRollback) ?? told.find((one) => one.code === 'offer');
        const [closest] = told.toSorted((one, other) => other.reached - one.reached);
        const expected = offered ?? closest ?? { code: 'no-rollout', rolloutId: undefined };
        const answer = ask(snapshot, device);
        assert.equal(answerCode(answer), expected.code);
        assert.equal(answer.rolloutId, expected.rolloutId);
        if (answer.kind === 'offer') assert.equal(answer.isRollback, offered?.isRollback);
        else {
          const { deviceId } = device.record;
          assert.equal(answer.pollAfterMs, pollAfter({ deviceId, sequence, now: NOW, ...lastEnrolment(candidates) }));
        }
      }),
      propertyOptions({ runs: 300 }),
    );
  });

  test('every answer asks the device back within a minute and a day', () => {
    fc.assert(
      fc.property(anySituation(), fc.nat(), ({ snapshot, device }, laterMs) => {
        const at = (NOW + laterMs) as typeof NOW;
        const answer = answerCheckIn(snapshot, device, checkInOf(device), at);
        assert.ok(answer.pollAfterMs > 0 && answer.pollAfterMs <= 86_400_000);
      }),
      propertyOptions(),
    );
  });
});

type RefusalCase = readonly [claim: string, rollout: SmallRollout, device: SmallDevice, code: string];

function refusals(): readonly RefusalCase[] {
  const exposure = anExposure({ downloadsAllowed: 0 });
  const floored = aManifest({ floorVersion: '1.0.5' });
  const dependent = aManifest({ dependencies: [{ component: 'modem', versionAtLeast: '2.0.0' }] });
  return [
    ['it is not in the audience', { plan: aPlan({ audience: { kind: 'tag', tag: 'beta' } }) }, {}, 'not-in-audience'],
    ['its hardware is not supported', {}, { attributes: { hardwareId: 'rev-z' } }, 'hardware-mismatch'],
    ['it runs something newer', {}, { releaseCounter: 7 }, 'counter-too-low'],
    ['it runs the release already', {}, { releaseCounter: 2 }, 'already-running'],
    ['it would jump over a floor', { manifest: floored }, {}, 'below-floor'],
    ['another component is missing', { manifest: dependent }, {}, 'dependency-missing'],
    ['the release was withdrawn', { withdrawnReason: 'Test' }, {}, 'release-withdrawn'],
    ['the rollout is paused', { events: ['pause'] }, {}, 'rollout-not-running'],
    ['the rollout is halted', { events: ['halt'] }, {}, 'rollout-not-running'],
    ['its segment is halted', { haltedSegments: ['rev-a'] }, {}, 'segment-halted'],
    ['its place in the order has not come', { exposure }, {}, 'wave-not-open'],
  ];
}

function newerRollout(overrides: Parameters<typeof aPlan>[0] = {}): SmallRollout {
  const releaseId = id<ReleaseId>('camera-1.2.0');
  const rolloutId = id<RolloutId>('r2');
  const { rollbackTwin: _, ...manifest } = aManifest({
    releaseId,
    version: '1.2.0',
    releaseCounter: 4 as ReleaseCounter,
  });
  return {
    plan: aPlan({ rolloutId, releaseId, salt: 'salt-of-r2', ...overrides }),
    manifest,
    exposure: anExposure({ rolloutId }),
  };
}

function sources() {
  const live = aSnapshot([{}]).rollouts.get(id<RolloutId>('r1'));
  assert.ok(live !== undefined);
  const policy = {
    revision: 3 as never,
    rollouts: new Map([[live.rollout.plan.rolloutId, live.rollout]]),
    orders: NO_ORDERS,
    groups: new Map(),
    pausedScopes: [],
    revokedKeys: new Map(),
    epochBase: 0,
  };
  return { policy, releases: [live.release], exposures: [live.exposure] };
}

/** A device with a row as `answerPermit` proposed it, in this arm, that runs something else since. */
function exposed(now: SmallDevice, arm: LedgerRow['arm'] = 'treated'): KnownDevice {
  const { deviceId } = aDevice(now).record;
  const request = {
    deviceId,
    sequence: 2,
    rolloutId: id<RolloutId>('r1'),
    releaseId: id<ReleaseId>('camera-1.1.0'),
    isRollback: false,
  };
  const proposal = answerPermit(aSnapshot([{ exposure: anExposure({ pi: 1 }) }]), aDevice(), request, NOW);
  assert.ok('row' in proposal);
  return aDevice({ ...now, ledger: [{ ...proposal.row, arm }] });
}

function checkInOf({ record }: KnownDevice): CheckIn {
  return { deviceId: record.deviceId, sequence: 2, running: record.status.running, state: 'checking' };
}

function ask(snapshot: PolicySnapshot, device: KnownDevice): CheckInAnswer {
  return answerCheckIn(snapshot, device, checkInOf(device), NOW);
}

function answerCode(answer: CheckInAnswer): string {
  return answer.kind === 'offer' ? 'offer' : answer.code;
}

function codeOf(snapshot: PolicySnapshot, device: SmallDevice): string {
  return answerCode(ask(snapshot, aDevice(device)));
}

function anyDeviceId(): fc.Arbitrary<string> {
  return fc.nat(1_000_000).map((number) => `device-${number}`);
}

function anyExposure() {
  return fc
    .record({ waveIndex: fc.nat(4), downloadsAllowed: fc.nat(3_000), pi: fc.constantFrom(0.2, 0.5, 10 / 11, 1) })
    .map(anExposure);
}

const anyAudience: fc.Arbitrary<Audience> = fc.constantFrom<Audience>(
  { kind: 'everyone' },
  { kind: 'attribute', name: 'region', in: ['eu'] },
  { kind: 'not', of: { kind: 'everyone' } },
  { kind: 'version', below: '1.0.0' },
);

/** A rollout for all; or for some, and perhaps a newer one beside it. */
function anySituation({ isForSome = false } = {}) {
  const events = fc.constantFrom<SmallRollout['events']>([], ['pause'], ['halt'], ['halt', 'roll-back'], ['complete']);
  const audience = isForSome ? anyAudience : fc.constant<Audience>({ kind: 'everyone' });
  const newer = isForSome ? fc.option(audience, { nil: undefined }) : fc.constant(undefined);
  const rollout = fc.record({ exposure: anyExposure(), events, audience, newer });
  const device = fc.record({
    deviceId: anyDeviceId(),
    releaseCounter: fc.nat(4),
    attributes: fc.record({ hardwareId: fc.constantFrom('rev-a', 'rev-z'), region: fc.constantFrom('eu', 'us') }),
    isExposed: fc.boolean(),
  });
  return fc.tuple(rollout, device).map(([one, { isExposed, ...parts }]) => ({
    snapshot: aSnapshot([
      {
        ...{ exposure: one.exposure, plan: aPlan({ audience: one.audience }) },
        ...(one.events === undefined ? {} : { events: one.events }),
      },
      ...(one.newer === undefined ? [] : [newerRollout({ audience: one.newer })]),
    ]),
    device: isExposed ? exposed(parts) : aDevice(parts),
  }));
}

// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { propertyOptions } from '@outrider/testkit/seed';
import { aPlan, digestOf, id, NOW } from '@outrider/testkit/small-fleet';
import fc from 'fast-check';
import type { DeviceId, SegmentId } from '../kernel/ids.ts';
import { DAY_MS, fleetInstant } from '../kernel/time.ts';
import { judgeAudience } from './audience-facts.ts';
import { matchAudience } from './audience-match.ts';
import { type CharterDocument, THRESHOLD_TENTH, THRESHOLD_WHOLE } from './charter.ts';
import { placeOf, reachOf } from './charter-place.ts';
import { draftCharter } from './draft-charter.ts';
import { orderOf } from './place.ts';
import { faultOfCharter } from './verify-charter.ts';

const draft = (population: number, ring: readonly string[] = []): CharterDocument =>
  draftCharter({
    plan: aPlan(),
    releaseSha256: digestOf('c'),
    population,
    ringDevices: ring.map((name) => ({ deviceId: id<DeviceId>(name), tags: ['dogfood'] })),
    firstStepDevices: 10,
    groups: 2,
    now: NOW,
  });

describe('a charter that is drawn up', () => {
  test('has no fault, gives each wave its share, and begins each after the bake times before it', () => {
    const document = draft(2_003, ['camera-2', 'camera-1']);
    assert.equal(faultOfCharter(document), undefined);
    const shares = document.waves.map(({ threshold }) => threshold / THRESHOLD_WHOLE);
    assert.deepEqual(
      shares.map((share) => Math.round(share * 1_000)),
      [0, 10, 100, 500, 1_000],
    );
    assert.deepEqual(document.waves[0]?.ringDevices, ['camera-1', 'camera-2']);
    const hours = document.waves.map(({ notBefore }) => (notBefore - NOW) / 3_600_000);
    assert.deepEqual(hours, [0, 2, 8, 32, 56]);
  });

  test('asks for no further signature for a wave of a tenth, and for one above', () => {
    const [, canary, tenth, half] = draft(2_003).waves;
    assert.ok(canary !== undefined && tenth !== undefined && half !== undefined);
    assert.ok(canary.threshold <= THRESHOLD_TENTH && tenth.threshold <= THRESHOLD_TENTH);
    assert.ok(half.threshold > THRESHOLD_TENTH);
  });

  test('of a small fleet begins with the ten devices of the first step, and says that this is the half of it', () => {
    assert.equal(draft(20).waves[1]?.threshold, THRESHOLD_WHOLE / 2);
    assert.equal(draft(3).waves[1]?.threshold, THRESHOLD_WHOLE);
    assert.equal(faultOfCharter(draft(3)), undefined);
    assert.equal(faultOfCharter(draft(0)), undefined);
  });

  test('is faulty when its parts contradict each other', () => {
    const good = draft(2_003);
    const waves = (change: (wave: CharterDocument['waves'][number], index: number) => object) =>
      good.waves.map((wave, index) => ({ ...wave, ...change(wave, index) }));
    const faulty: readonly CharterDocument[] = [
      { ...good, waves: good.waves.slice(1) },
      { ...good, waves: waves((_, index) => (index === 1 ? { name: 'other' } : {})) },
      { ...good, waves: waves((_, index) => (index === 3 ? { threshold: 1 } : {})) },
      { ...good, waves: waves((_, index) => (index === 2 ? { notBefore: NOW } : {})) },
      { ...good, waves: waves(() => ({ ringDevices: Array(300).fill(id<DeviceId>('camera-1')) })) },
      { ...good, reports: { halt: [], widen: [] } },
      { ...good, reports: { ...good.reports, widen: ['signed', 'gateway-token'] } },
      { ...good, expiresAt: NOW },
      { ...good, expiresAt: fleetInstant(NOW + 401 * DAY_MS) },
    ];
    for (const document of faulty) assert.notEqual(faultOfCharter(document), undefined);
  });
});

describe('the place of a device', () => {
  test('is reached by a wave exactly when its order lies below the share, on every device', () => {
    const document = draft(2_003);
    const deviceId = fc.stringMatching(/^[a-z0-9]{1,20}$/).map((text) => id<DeviceId>(text));
    fc.assert(
      fc.property(deviceId, (one) => {
        const order = orderOf(document.plan.salt, one);
        const reach = reachOf(document, { deviceId: one });
        document.waves.forEach(({ threshold }, index) => {
          assert.equal(reach[index], order < threshold / THRESHOLD_WHOLE);
        });
        assert.ok(placeOf(document.plan.salt, one) < THRESHOLD_WHOLE);
      }),
      propertyOptions(),
    );
  });

  test('counts against the threshold of its own segment; one that knows no segment is given the largest', () => {
    const good = draft(2_003);
    const segments = [{ segment: id<SegmentId>('rev-c'), threshold: THRESHOLD_WHOLE }];
    const document = { ...good, waves: good.waves.map((wave) => ({ ...wave, threshold: 0, segments })) };
    const deviceId = id<DeviceId>('camera-9');
    assert.equal(reachOf(document, { deviceId, segment: 'rev-c' })[1], true);
    assert.equal(reachOf(document, { deviceId, segment: 'rev-a' })[1], false);
    assert.equal(reachOf(document, { deviceId })[1], true);
  });

  test('does not matter for a device of the ring, in its wave and all later ones', () => {
    const document = draft(2_003, ['camera-1']);
    assert.deepEqual(reachOf(document, { deviceId: id<DeviceId>('camera-1') }), [true, true, true, true, true]);
  });
});

describe('what a device knows of itself', () => {
  const facts = { deviceId: id<DeviceId>('camera-1'), hardwareId: 'rev-a', model: 'm1', version: '1.0.0' };

  test('is enough to say no, never enough to be shut out by what the registry alone knows', () => {
    assert.equal(judgeAudience({ kind: 'attribute', name: 'hardwareId', in: ['rev-b'] }, facts), 'no');
    assert.equal(judgeAudience({ kind: 'attribute', name: 'region', in: ['eu'] }, facts), 'unknown');
    const both = [{ kind: 'tag', tag: 'beta' } as const, { kind: 'version', below: '1.0.0' } as const];
    assert.equal(judgeAudience({ kind: 'all-of', of: both }, facts), 'no');
    assert.equal(judgeAudience({ kind: 'any-of', of: both }, facts), 'unknown');
    assert.equal(judgeAudience({ kind: 'not', of: { kind: 'tag', tag: 'frozen' } }, facts), 'unknown');
    assert.equal(judgeAudience({ kind: 'not', of: { kind: 'device', in: ['camera-1'] } }, facts), 'no');
  });

  test('never contradicts the gateway: where the device says yes or no, the gateway says the same', () => {
    const leaf = fc.oneof(
      fc.constant({ kind: 'everyone' as const }),
      fc.record({
        kind: fc.constant('attribute' as const),
        name: fc.constantFrom('hardwareId', 'model', 'region', 'customer', 'carrier'),
        in: fc.subarray(['rev-a', 'm1', 'eu', 'c1']),
      }),
      fc.record({ kind: fc.constant('tag' as const), tag: fc.constantFrom('dogfood', 'beta') }),
      fc.record({ kind: fc.constant('device' as const), in: fc.subarray(['camera-1', 'camera-2']) }),
      fc.record({ kind: fc.constant('version' as const), below: fc.constantFrom('1.0.0', '2.0.0') }),
    );
    const { audience } = fc.letrec((tie) => ({
      audience: fc.oneof(
        { depthSize: 'small' },
        leaf,
        fc.record({ kind: fc.constant('not'), of: tie('audience') }),
        fc.record({ kind: fc.constantFrom('all-of', 'any-of'), of: fc.array(tie('audience'), { maxLength: 3 }) }),
      ),
    })) as { audience: fc.Arbitrary<Parameters<typeof matchAudience>[0]> };
    const attributes = { deviceType: 'camera', model: 'm1', hardwareId: 'rev-a', region: 'eu', customer: 'c1' };
    const subject = { ...facts, attributes: { ...attributes, carrier: 'none', tags: ['dogfood'] } };
    fc.assert(
      fc.property(audience, (one) => {
        const judged = judgeAudience(one, facts);
        if (judged !== 'unknown') assert.equal(judged === 'yes', matchAudience(one, subject));
      }),
      propertyOptions(),
    );
  });
});

// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aDevice, id } from '@outrider/testkit/small-fleet';
import type { DeviceId } from '../kernel/ids.ts';
import type { Audience } from './audience.ts';
import { describeAudience, matchAudience } from './audience-match.ts';
import { armUnitOf, isPanel, orderOf } from './place.ts';

const { attributes } = aDevice({ attributes: { tags: ['beta'], region: 'eu', model: 'm2' } }).record;
const SUBJECT = { deviceId: id<DeviceId>('d1'), attributes, version: '1.4.0' };

const EU: Audience = { kind: 'attribute', name: 'region', in: ['eu', 'uk'] };
const US: Audience = { kind: 'attribute', name: 'region', in: ['us'] };

const CASES: readonly (readonly [audience: Audience, isIn: boolean, text: string])[] = [
  [{ kind: 'everyone' }, true, 'everyone'],
  [EU, true, 'region in eu uk'],
  [US, false, 'region in us'],
  [{ kind: 'not', of: US }, true, 'not region in us'],
  [{ kind: 'all-of', of: [EU, US] }, false, '(region in eu uk and region in us)'],
  [{ kind: 'any-of', of: [EU, US] }, true, '(region in eu uk or region in us)'],
  [{ kind: 'all-of', of: [] }, true, 'everyone'],
  [{ kind: 'any-of', of: [] }, false, 'no one'],
  [{ kind: 'tag', tag: 'beta' }, true, 'tag beta'],
  [{ kind: 'device', in: ['d2', 'd1'] }, true, 'device in d2 d1'],
  [{ kind: 'version', atLeast: '1.4.0' }, true, 'version from 1.4.0 to below any'],
  [{ kind: 'version', below: '1.4.0' }, false, 'version from any to below 1.4.0'],
  [{ kind: 'version', atLeast: '1.4.0-rc.1', below: '1.10.0' }, true, 'version from 1.4.0-rc.1 to below 1.10.0'],
];

describe('an audience', () => {
  for (const [audience, isIn, text] of CASES) {
    test(`of ${text} ${isIn ? 'holds' : 'leaves out'} a beta device of the EU on 1.4.0`, () => {
      assert.equal(matchAudience(audience, SUBJECT), isIn);
      assert.equal(describeAudience(audience), text);
    });
  }
});

describe('the place of a device in a rollout', () => {
  const places = Array.from({ length: 4_000 }, (_, index) => {
    const deviceId = id<DeviceId>(`device-${index}`);
    return {
      order: orderOf('salt-of-r1', deviceId),
      arm: armUnitOf('salt-of-r1', deviceId),
      isPanel: isPanel('salt-of-r1', deviceId),
    };
  });
  const share = (isInside: (place: (typeof places)[number]) => boolean) =>
    places.filter(isInside).length / places.length;

  test('is spread evenly: a threshold opens its share', () => {
    for (const threshold of [0.1, 0.5, 0.9]) {
      assert.ok(Math.abs(share(({ order }) => order < threshold) - threshold) < 0.03);
    }
  });

  test('says nothing about its arm: the arms are drawn alike all along the order', () => {
    const early = places.filter(({ order }) => order < 0.5);
    const treated = early.filter(({ arm }) => arm < 0.2).length / early.length;
    assert.ok(Math.abs(treated - 0.2) < 0.03);
  });

  test('puts one in ten in the long panel', () => {
    assert.ok(Math.abs(share((place) => place.isPanel) - 0.1) < 0.02);
  });
});

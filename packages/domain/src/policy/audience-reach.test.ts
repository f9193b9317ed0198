// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aDevice, id } from '@outrider/testkit/small-fleet';
import fc from 'fast-check';
import type { DeviceId } from '../kernel/ids.ts';
import { type Reach, reaches } from '../trust/reach.ts';
import type { Audience } from './audience.ts';
import { matchAudience } from './audience-match.ts';
import { isAudienceWithin } from './audience-reach.ts';

const ACME: Audience = { kind: 'attribute', name: 'customer', in: ['acme'] };
const ALL: Audience = { kind: 'attribute', name: 'customer', in: ['acme', 'umbrella'] };
const EU: Audience = { kind: 'attribute', name: 'region', in: ['eu'] };
const REACH: Reach = { customers: ['acme'] };

describe('an audience inside the reach of a person', () => {
  for (const [claim, audience, isInside] of [
    ['their customer', ACME, true],
    ['everyone', { kind: 'everyone' }, false],
    ['their customer and another', ALL, false],
    ['their customer, narrowed', { kind: 'all-of', of: [EU, ACME] }, true],
    ['their customer, or a region', { kind: 'any-of', of: [EU, ACME] }, false],
    ['all but others, which tomorrow may be more', { kind: 'not', of: { ...ALL, in: ['umbrella'] } }, false],
    ['one device by name, which may change its customer', { kind: 'device', in: ['d1'] }, false],
    ['no one', { kind: 'any-of', of: [] }, true],
    ['two that exclude each other', { kind: 'all-of', of: [ACME, { ...ALL, in: ['umbrella'] }] }, true],
  ] as const satisfies readonly (readonly [string, Audience, boolean])[]) {
    test(`${claim}: ${isInside ? 'yes' : 'no'}`, () => assert.equal(isAudienceWithin(audience, REACH), isInside));
  }
});

test('no device outside of a reach is ever in an audience that lies within it', () => {
  const names = (from: readonly string[]) => fc.subarray([...from], { minLength: 1 });
  const leaf: fc.Arbitrary<Audience> = fc.oneof(
    fc.constant<Audience>({ kind: 'everyone' }),
    names(['acme', 'umbrella', 'initech']).map((list): Audience => ({ kind: 'attribute', name: 'customer', in: list })),
    names(['eu', 'us', 'cn']).map((list): Audience => ({ kind: 'attribute', name: 'region', in: list })),
    fc.constant<Audience>({ kind: 'tag', tag: 'beta' }),
    fc.constant<Audience>({ kind: 'device', in: ['d1'] }),
  );
  const { audience } = fc.letrec<{ audience: Audience }>((tie) => ({
    audience: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      leaf,
      fc.array(tie('audience'), { maxLength: 3 }).map((of): Audience => ({ kind: 'all-of', of })),
      fc.array(tie('audience'), { maxLength: 3 }).map((of): Audience => ({ kind: 'any-of', of })),
      tie('audience').map((of): Audience => ({ kind: 'not', of })),
    ),
  }));
  const reach = fc.record(
    { customers: names(['acme', 'umbrella', 'initech']), regions: names(['eu', 'us', 'cn']) },
    { requiredKeys: [] },
  );
  const attributes = fc.record({
    customer: fc.constantFrom('acme', 'umbrella', 'initech'),
    region: fc.constantFrom('eu', 'us', 'cn'),
    tags: fc.constantFrom<string[]>([], ['beta']),
  });
  let within = 0;
  fc.assert(
    fc.property(audience, reach, attributes, (one, own, said) => {
      if (!isAudienceWithin(one, own)) return;
      within++;
      const device = aDevice({ attributes: said }).record.attributes;
      const isIn = matchAudience(one, { deviceId: id<DeviceId>('d1'), attributes: device, version: '1.0.0' });
      assert.ok(!isIn || reaches(own, device));
    }),
    { numRuns: 4_000 },
  );
  assert.ok(within > 200, `audiences inside were looked at, ${within}`);
});

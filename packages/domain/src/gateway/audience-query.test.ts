// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { propertyOptions } from '@outrider/testkit/seed';
import { aDevice } from '@outrider/testkit/small-fleet';
import fc from 'fast-check';
import type { DeviceId } from '../kernel/ids.ts';
import { fleetInstant } from '../kernel/time.ts';
import type { Audience } from '../policy/audience.ts';
import { matchAudience } from '../policy/audience-match.ts';
import { audienceQuery, namedDevices, withoutNamed } from './audience-query.ts';
import { isAboutProfiles, matchQuery } from './query-match.ts';

const leaf: fc.Arbitrary<Audience> = fc.oneof(
  fc.constant<Audience>({ kind: 'everyone' }),
  fc.record({
    kind: fc.constant('attribute' as const),
    name: fc.constantFrom('region' as const, 'model' as const),
    in: fc.subarray(['a', 'b']),
  }),
  fc.record({ kind: fc.constant('tag' as const), tag: fc.constantFrom('x', 'y') }),
  fc.record({ kind: fc.constant('device' as const), in: fc.subarray(['d-1', 'd-2']) }),
  fc.record(
    { kind: fc.constant('version' as const), atLeast: fc.constant('1.2.0'), below: fc.constant('2.0.0-rc.1') },
    { requiredKeys: ['kind'] },
  ),
);

const audiences = fc.letrec<{ readonly audience: Audience }>((tie) => ({
  audience: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.record({
      kind: fc.constantFrom('all-of' as const, 'any-of' as const),
      of: fc.array(tie('audience'), { maxLength: 3 }),
    }),
    fc.record({ kind: fc.constant('not' as const), of: tie('audience') }),
  ),
})).audience;

const { record } = aDevice();
const devices = fc
  .record({
    deviceId: fc.constantFrom('d-1', 'd-2', 'd-3'),
    region: fc.constantFrom('a', 'b', 'c'),
    tags: fc.subarray(['x', 'y']),
    version: fc.constantFrom('1.0.0', '1.2.0', '2.0.0-rc.1', '2.0.0'),
  })
  .map(({ deviceId, region, tags, version }) => ({
    ...record,
    deviceId: deviceId as DeviceId,
    attributes: { ...record.attributes, region, model: region, tags },
    status: { ...record.status, running: { ...record.status.running, version } },
  }));

test('a device that the audience does not name is found by the question exactly when it is in the audience', () => {
  fc.assert(
    fc.property(audiences, devices, (audience, device) => {
      const query = audienceQuery(audience);
      assert.ok(isAboutProfiles(query));
      const subject = { ...device, version: device.status.running.version };
      const isFound = matchQuery(query, device, fleetInstant(0));
      assert.equal(isFound, matchAudience(withoutNamed(audience), subject));
      if (!namedDevices(audience).includes(device.deviceId)) assert.equal(isFound, matchAudience(audience, subject));
    }),
    propertyOptions(),
  );
});

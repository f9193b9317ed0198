// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { propertyOptions } from '@outrider/testkit/seed';
import fc from 'fast-check';
import type { ReleaseCounter, ReleaseId } from '../kernel/ids.ts';
import { fleetInstant } from '../kernel/time.ts';
import { barOnWayBack, type Floors, floorAbove, raisedFloors, type WayBack } from './floors.ts';
import type { ReleaseManifest } from './release.ts';
import { claimOf, entriesAsSaid, nextReleaseTargets, releaseTarget } from './release-targets.ts';

const counter = fc.nat({ max: 1_000 }).map((value) => value as ReleaseCounter);
const floors: fc.Arbitrary<Floors | undefined> = fc.option(
  fc.record({ security: counter, migration: counter }, { requiredKeys: [] }),
  { nil: undefined },
);

test('floors only grow: what a device refuses once, no later release lets by', () => {
  fc.assert(
    fc.property(fc.array(floors), counter, (said, offered) => {
      let held: Floors | undefined;
      for (const one of said) {
        const next = raisedFloors(held, one);
        if (floorAbove(held, offered)) assert(floorAbove(next, offered));
        if (floorAbove(one, offered)) assert(floorAbove(next, offered));
        held = next;
      }
      assert.deepEqual(raisedFloors(held, held), held);
    }),
    propertyOptions(),
  );
});

test('the order in which floors come does not matter', () => {
  fc.assert(
    fc.property(floors, floors, (a, b) => assert.deepEqual(raisedFloors(a, b), raisedFloors(b, a))),
    propertyOptions(),
  );
});

test('what a floor names is itself allowed, and all above', () => {
  const held = { security: 5 as ReleaseCounter, migration: 7 as ReleaseCounter };
  assert.deepEqual(floorAbove(held, 4), { kind: 'security', floor: 5 });
  assert.deepEqual(floorAbove(held, 6), { kind: 'migration', floor: 7 });
  assert.equal(floorAbove(held, 7), undefined);
  assert.equal(floorAbove(undefined, 0), undefined);
});

test('floors are read back as they were written, and one that cannot be read is never taken for none', () => {
  fc.assert(
    fc.property(floors, fc.option(counter, { nil: undefined }), (said, contentCounter) => {
      const kept = raisedFloors(undefined, said);
      const claim = {
        ...{ hardwareIds: ['rev-a'], releaseCounter: 3 as ReleaseCounter },
        ...(kept && { floors: kept }),
        ...(contentCounter !== undefined && { contentCounter }),
      };
      assert.deepEqual(claimOf(releaseTarget('{}', claim, () => '')), claim);
    }),
    propertyOptions(),
  );
  const file = releaseTarget('{}', { hardwareIds: [], releaseCounter: 3 as ReleaseCounter }, () => '');
  for (const bad of ['7', -1, 1.5, null]) {
    assert.equal(claimOf({ ...file, custom: { hardwareIds: [], releaseCounter: 3, securityFloor: bad } }), undefined);
  }
});

test('a server finds the entries of a release as they were signed, with floors, without, and after a release that had some', () => {
  const twin = {
    releaseId: 'camera-2-back' as ReleaseId,
    version: '1',
    releaseCounter: 4 as ReleaseCounter,
    components: [],
  };
  // What entries are made of; the rest of a manifest is in the payload.
  const manifest = {
    ...{
      deviceType: 'camera',
      releaseId: 'camera-2' as ReleaseId,
      releaseCounter: 3 as ReleaseCounter,
      components: [],
    },
    rollbackTwin: twin,
  } as unknown as ReleaseManifest;
  const digest = () => 'ab';
  fc.assert(
    fc.property(floors, floors, fc.option(counter, { nil: undefined }), (before, said, formerCounter) => {
      const now = fleetInstant(0);
      const release = { manifest, payload: '{}', now, ...(said && { floors: said }) };
      const first = {
        ...manifest,
        releaseId: 'camera-1' as ReleaseId,
        rollbackTwin: undefined,
      } as unknown as ReleaseManifest;
      const former = nextReleaseTargets(undefined, { ...release, manifest: first, floors: before ?? {} }, digest);
      const next = nextReleaseTargets(
        former,
        { ...release, ...(formerCounter !== undefined && { formerCounter }) },
        digest,
      );
      for (const [path, file] of entriesAsSaid(next, { manifest, payload: '{}' }, digest)) {
        assert.deepEqual(next.targets.get(path), file);
      }
    }),
    // No floor is said, by an empty set of them: too seldom drawn, and once refused what had been signed.
    {
      ...propertyOptions(),
      examples: [
        [undefined, {}, 2 as ReleaseCounter],
        [{}, {}, 2 as ReleaseCounter],
      ],
    },
  );
});

describe('the way back of a device that has confirmed floors', () => {
  const at = (value: number) => value as ReleaseCounter;
  const wayBack: WayBack = {
    contentCounter: 10,
    raised: [
      { releaseCounter: at(20), floors: { security: at(10) } },
      { releaseCounter: at(30), floors: { security: at(20), migration: at(25) } },
    ],
  };
  test('is open down to the floor itself', () => assert.equal(barOnWayBack(wayBack, 20), undefined));
  test('is barred by the floor of what it runs, a security floor first', () =>
    assert.deepEqual(barOnWayBack(wayBack, 30), { kind: 'security', floor: 20 }));
  test('is barred to bytes that nobody has signed the age of', () =>
    assert.deepEqual(barOnWayBack({ ...wayBack, contentCounter: 0 }, 20), { kind: 'security', floor: 10 }));
  test('is open where no floor was ever signed', () => assert.equal(barOnWayBack(undefined, 30), undefined));
});

// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReleaseCounter, ReleaseId } from '../kernel/ids.ts';
import { fleetInstant } from '../kernel/time.ts';
import { clashWith } from './clash.ts';
import type { PublishedRelease, ReleaseManifest } from './release.ts';

test('a release may follow when its ids, its version and its counter are new', () => {
  assert.equal(clashWith([], manifest('r1', '1.0.0', 1)), undefined);
  assert.equal(clashWith(PUBLISHED, manifest('r3', '1.2.0', 4)), undefined);
});

test('an id that any release or rollback twin has is taken, for every device type', () => {
  assert.match(clashWith(PUBLISHED, manifest('r2', '1.2.0', 4)) ?? '', /^The release id r2 is taken/);
  assert.match(clashWith(PUBLISHED, manifest('r2-back', '1.2.0', 4)) ?? '', /^The release id r2-back is taken/);
  const lamp = { ...manifest('r2', '9.0.0', 9), deviceType: 'lamp' };
  assert.match(clashWith(PUBLISHED, lamp) ?? '', /^The release id r2 is taken/);
});

test('a version is published once for a device type', () => {
  assert.match(clashWith(PUBLISHED, manifest('r3', '1.1.0', 4)) ?? '', /^Version 1.1.0 of camera is published already/);
  assert.equal(clashWith(PUBLISHED, { ...manifest('r3', '1.1.0', 1), deviceType: 'lamp' }), undefined);
});

test('a counter rises above that of the newest rollback twin, which devices may have seen', () => {
  assert.match(
    clashWith(PUBLISHED, manifest('r3', '1.2.0', 3)) ?? '',
    /is 3; for camera it must be above 3: make it again with --counter 4$/,
  );
});

const PUBLISHED: readonly PublishedRelease[] = [
  published(manifest('r1', '1.0.0', 1)),
  published({
    ...manifest('r2', '1.1.0', 2),
    rollbackTwin: {
      releaseId: 'r2-back' as ReleaseId,
      version: '1.0.0',
      releaseCounter: 3 as ReleaseCounter,
      components: [],
    },
  }),
];

function published(content: ReleaseManifest): PublishedRelease {
  return {
    manifest: content,
    envelope: { payloadType: '', payload: '', signatures: [] },
    publishedAt: fleetInstant(0),
  };
}

function manifest(id: string, version: string, counter: number): ReleaseManifest {
  return {
    schema: 1,
    releaseId: id as ReleaseId,
    deviceType: 'camera',
    version,
    releaseCounter: counter as ReleaseCounter,
    components: [],
    dependencies: [],
    notes: '',
  };
}

// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aManifest } from '@outrider/testkit/small-fleet';
import type { ReleaseCounter } from '../../kernel/ids.ts';
import { floorLimits } from './floor-limits.ts';

const release = aManifest();
const counter = (by: number) => (release.releaseCounter + by) as ReleaseCounter;

test('a plan for a release that is known to be unsafe says so before anybody approves it', () => {
  assert.deepEqual(floorLimits(release, {}), []);
  assert.deepEqual(floorLimits(release, { raised: { security: counter(0) } }), []);
  const [limit, ...others] = floorLimits(release, { raised: { security: counter(2) } });
  assert.deepEqual([limit?.code, limit?.name, others.length], ['below-security-floor', release.releaseId, 0]);
  assert.match(limit?.detail ?? '', new RegExp(`puts the security floor at ${counter(2)}`));
  const [migration] = floorLimits(release, { raised: { migration: counter(2) } });
  assert.equal(migration?.code, 'below-migration-floor');
});

test('a plan whose devices could not go back says so: the bytes of the twin lie below a floor that the release brings', () => {
  const raised = [{ releaseCounter: counter(0), floors: { security: counter(0) } }];
  const [limit] = floorLimits(release, { wayBack: { contentCounter: counter(-2), raised } });
  assert.deepEqual([limit?.code, limit?.name], ['way-back-barred', release.rollbackTwin?.releaseId]);
  assert.deepEqual(floorLimits(release, { wayBack: { contentCounter: counter(0), raised } }), []);
  const { rollbackTwin: _, ...first } = release;
  assert.deepEqual(floorLimits(first, {}), [], 'a first release has no way back that could be barred');
});

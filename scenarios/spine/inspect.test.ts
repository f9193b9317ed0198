// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PermitId, SegmentId } from '@outrider/domain/kernel/ids';
import { anExposure } from '@outrider/testkit/small-fleet';
import { inspect } from './inspect.ts';

const PERMIT = 'permit' as PermitId;

test('a permit or a report that a device holds and the server does not know is found', () => {
  const shared = { ledger: [], exposure: anExposure(), isRecountEqual: true };
  const facts = { ...shared, reportKeys: new Set(['camera-1 4']) };
  const held = { permitIds: new Set([PERMIT]), reportKeys: new Set(['camera-1 4', 'camera-1 5']) };
  const found = { permitsLost: 1, reportsLost: 1, overruns: 0, miscounts: 0, recountsDiffering: 0 };
  assert.deepEqual(inspect(facts, held), found);
});

test('more permits than a cap allows are found, overall and in a segment', () => {
  const segment = { segment: 'rev-a' as SegmentId, population: 10, cap: 4, granted: 5 };
  const exposure = anExposure({ cap: 4, granted: 5, segments: [segment] });
  const held = { permitIds: new Set<PermitId>(), reportKeys: new Set<string>() };
  const { overruns, miscounts, recountsDiffering } = inspect(
    { ledger: [], reportKeys: new Set(), exposure, isRecountEqual: false },
    held,
  );
  assert.equal(overruns, 2);
  assert.equal(miscounts, 1);
  assert.equal(recountsDiffering, 1);
});

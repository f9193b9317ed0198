// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeviceId, KeyId, PermitId, ReleaseId, Revision, RolloutId } from '@outrider/domain/kernel/ids';
import type { Held, RawFacts } from '@outrider/simulator/compose';
import { type Finding, inspect, noFindings } from './inspect.ts';

const ROLLOUT = 'rollout' as RolloutId;
const PERMIT = 'permit' as PermitId;
const DEVICE = 'camera-1' as DeviceId;
const RELEASE = 'camera-1.1.0' as ReleaseId;
const FIRST = 1 as Revision;
const SECOND = 2 as Revision;
const ENTRY = { at: 5, author: 'operator-1', reason: 'Look at it' };

const STORED: RawFacts = {
  permitIds: new Set([PERMIT]),
  reportKeys: new Set(['camera-1 4']),
  entries: [
    { revision: FIRST, ...ENTRY },
    { revision: SECOND, ...ENTRY },
  ],
  keyIds: new Map([[DEVICE, 'key' as KeyId]]),
  releases: new Map([[RELEASE, 'withdrawn']]),
  exposures: [
    { rolloutId: ROLLOUT, cap: 10, granted: 3 },
    { rolloutId: ROLLOUT, segment: 'rev-a', cap: 3, granted: 3 },
  ],
  treated: [{ rolloutId: ROLLOUT, segment: 'rev-a', count: 3 }],
};

const HELD: Held = {
  permitIds: new Set([PERMIT]),
  reportKeys: new Set(['camera-1 4']),
  entries: new Map([[SECOND, ENTRY]]),
  keyIds: new Map([[DEVICE, 'key' as KeyId]]),
  releases: new Map([[RELEASE, 'withdrawn']]),
  blobs: new Set(),
};

test('where all that is held is stored nothing is found', () => {
  assert.deepEqual(inspect(STORED, HELD, new Map([[`${ROLLOUT} rev-a`, 3]])).findings, noFindings());
});

const cases: readonly (readonly [string, Finding, Partial<RawFacts>])[] = [
  ['a permit that a device holds without a row', 'permitsLost', { permitIds: new Set() }],
  ['a report that was acknowledged and is not stored', 'reportsLost', { reportKeys: new Set(['camera-1 5']) }],
  ['a revision of which a receipt came', 'revisionsLost', { entries: STORED.entries.slice(0, 1) }],
  [
    'an entry that says another author than its receipt',
    'auditEntriesDiffering',
    {
      entries: [
        { revision: FIRST, ...ENTRY },
        { revision: SECOND, ...ENTRY, author: 'nobody' },
      ],
    },
  ],
  ['a device that registered with another key', 'devicesLost', { keyIds: new Map([[DEVICE, 'other' as KeyId]]) }],
  ['a release that is gone', 'releasesLost', { releases: new Map() }],
  ['a release that is no longer withdrawn', 'releasesLost', { releases: new Map([[RELEASE, 'published']]) }],
];
for (const [claim, finding, wrong] of cases) {
  test(`${claim} is found`, () => {
    const { findings } = inspect({ ...STORED, ...wrong }, HELD, new Map());
    assert.deepEqual(findings, { ...noFindings(), [finding]: 1 });
  });
}

test('a number missing in the policy log is found', () => {
  const entries = STORED.entries.slice(1);
  assert.equal(inspect({ ...STORED, entries }, HELD, new Map()).findings.gapsInLog, 1);
});

test('more treated rows than a cap allows are found although the counter says otherwise', () => {
  const treated = [{ rolloutId: ROLLOUT, segment: 'rev-a', count: 4 }];
  const { findings } = inspect({ ...STORED, treated }, HELD, new Map());
  assert.equal(findings.overruns, 1, 'in the segment, not overall');
  assert.equal(findings.miscounts, 2);
});

test('a cap that fell is found', () => {
  assert.equal(inspect(STORED, HELD, new Map([[`${ROLLOUT} `, 11]])).findings.capsFallen, 1);
});

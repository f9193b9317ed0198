// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { DeviceId, KeyId, PermitId, ReleaseId, Revision, RolloutId, Sha256 } from '@outrider/domain/kernel/ids';
import { fleetInstant } from '@outrider/domain/kernel/time';
import { type AuditRow, EMPTY_CHAIN, linkEntry } from '@outrider/domain/trust/audit';
import type { Held, RawFacts } from '@outrider/simulator/compose';
import { type Finding, inspect, noFindings } from './inspect.ts';

const ROLLOUT = 'rollout' as RolloutId;
const PERMIT = 'permit' as PermitId;
const DEVICE = 'camera-1' as DeviceId;
const RELEASE = 'camera-1.1.0' as ReleaseId;
const FIRST = 1 as Revision;
const SECOND = 2 as Revision;
const ENTRY = { at: 5, author: 'operator-1', reason: 'Look at it' };

const AUDIT = chainOf([
  { actor: ENTRY.author, action: 'scope-paused', subject: 'global', revision: FIRST },
  { actor: ENTRY.author, action: 'scope-resumed', subject: 'global', revision: SECOND },
  { actor: 'build', action: 'release-published', subject: RELEASE },
  { actor: 'build', action: 'release-withdrawn', subject: RELEASE },
]);

const STORED: RawFacts = {
  ...AUDIT,
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

test('an acknowledged withdrawal without its entry in the audit log is found although the chain is whole', () => {
  const { audit } = AUDIT;
  const { sequence, digest } = audit[2] as AuditRow;
  const cut = { ...STORED, audit: audit.slice(0, 3), auditHead: { sequence, digest } };
  assert.deepEqual(inspect(cut, HELD, new Map()).findings, { ...noFindings(), auditEntriesLost: 1 });
});

test('an audit log whose chain is broken, or ends before its stored end, is found', () => {
  const { audit } = AUDIT;
  const row = audit[1] as AuditRow;
  const changed = audit.with(1, { ...row, text: row.text.replace('global', 'region:eu') });
  assert.equal(inspect({ ...STORED, audit: changed }, HELD, new Map()).findings.auditChainsBroken, 1);
  assert.equal(inspect({ ...STORED, audit: audit.slice(0, 3) }, HELD, new Map()).findings.auditChainsBroken, 1);
});

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

/** As the product writes it; what is looked at reads it in its own way. */
function chainOf(
  notes: readonly Pick<Parameters<typeof linkEntry>[1], 'actor' | 'action' | 'subject' | 'revision'>[],
): Pick<RawFacts, 'audit' | 'auditHead'> {
  const audit: AuditRow[] = [];
  let auditHead = EMPTY_CHAIN;
  for (const note of notes) {
    const digestText = (text: string) => createHash('sha256').update(text).digest('hex') as Sha256;
    const linked = linkEntry(auditHead, { ...note, at: fleetInstant(ENTRY.at) }, { wallAtMs: 5, digestText });
    audit.push(linked.row);
    auditHead = linked.head;
  }
  return { audit, auditHead };
}

// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import type { Sha256 } from '@outrider/domain/kernel/ids';
import { fleetInstant } from '@outrider/domain/kernel/time';
import { EMPTY_CHAIN, linkEntry } from '@outrider/domain/trust/audit';
import { parseAuditEntry, parseAuditPage } from './audit.ts';

const digestText = (text: string) => hash('sha256', text, 'hex') as Sha256;

/** As the first version with an audit log wrote it; its digest is in the field. */
const FIRST = `{"action":"token-in-force","actor":"server","at":1800000000000,"document":{"digest":"${'b'.repeat(64)}","kind":"setting"},"previous":"${EMPTY_CHAIN.digest}","sequence":1,"subject":"admin-token","wallAtMs":1800000000001}`;

test('an entry of the first version is read for ever', () => {
  const read = parseAuditEntry(FIRST);
  assert.ok(read.ok);
  assert.deepEqual(
    [read.value.action, read.value.sequence, read.value.document?.kind],
    ['token-in-force', 1, 'setting'],
  );
});

test('an entry is written as the one text that stands for it, and read back', () => {
  const note = {
    actor: 'ada',
    at: fleetInstant(5),
    action: 'scope-paused',
    subject: 'global',
    reason: 'a “storm”',
  } as const;
  const { row } = linkEntry(EMPTY_CHAIN, note, { wallAtMs: 6, digestText });
  assert.equal(
    row.text,
    `{"action":"scope-paused","actor":"ada","at":5,"previous":"${EMPTY_CHAIN.digest}","reason":"a “storm”","sequence":1,"subject":"global","wallAtMs":6}`,
  );
  assert.deepEqual(parseAuditEntry(row.text), {
    ok: true,
    value: { ...note, sequence: 1, previous: EMPTY_CHAIN.digest, wallAtMs: 6 },
  });
});

test('an action and a field of a later version are taken, the text of the entry as it is', () => {
  const later = FIRST.replace('token-in-force', 'charter-signed').replace('{"action"', '{"added":{"x":1},"action"');
  assert.ok(parseAuditEntry(later).ok);
  const item = { sequence: 1, text: later, digest: digestText(later), entry: {} };
  const page = parseAuditPage(JSON.stringify({ head: { sequence: 1, digest: item.digest }, items: [item] }));
  assert.ok(page.ok);
  assert.equal(page.value.items[0]?.text, later);
});

test('what is no entry is refused by name', () => {
  for (const wrong of [
    '',
    '{}',
    'null',
    FIRST.replace('"sequence":1', '"sequence":0'),
    FIRST.replace('bbbb', 'BBBB'),
  ]) {
    const read = parseAuditEntry(wrong);
    assert.equal(read.ok ? 'taken' : read.error.code, 'body-malformed', wrong);
  }
});

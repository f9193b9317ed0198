// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Sha256 } from '../kernel/ids.ts';
import { err, ok } from '../kernel/result.ts';
import { fleetInstant } from '../kernel/time.ts';
import { type AuditEntry, type AuditHead, type AuditRow, digestDocument, EMPTY_CHAIN, linkEntry } from './audit.ts';
import { type AuditVerdict, auditCheck, documentKey, type StoredDocuments } from './audit-check.ts';

const digestText = (text: string) => hash('sha256', text, 'hex') as Sha256;
const LENGTH = 8;

test('an untouched chain is intact, whoever computes it again', () => {
  const { rows, head, documents } = chain();
  const verdict = verify(rows, { head, documents, noted: rows[3]?.digest });
  assert.deepEqual([verdict.faults, verdict.entries, verdict.head], [[], LENGTH, head]);
  assert.equal(verdict.compared.release, LENGTH);
});

test('the digest of an entry is the SHA-256 of its text, and each names the one before', () => {
  const { rows } = chain();
  let previous = EMPTY_CHAIN.digest;
  for (const { text, digest } of rows) {
    assert.equal(digest, digestText(text));
    assert.equal(JSON.parse(text).previous, previous);
    previous = digest;
  }
});

test('a changed character is found at its entry, wherever it is', () => {
  const { rows, head, documents } = chain();
  fc.assert(
    fc.property(fc.nat(LENGTH - 1), fc.nat(), fc.integer({ min: 0x20, max: 0x7e }), (index, place, code) => {
      const { text, ...row } = rows[index] as AuditRow;
      const at = place % text.length;
      const changed = `${text.slice(0, at)}${String.fromCharCode(code)}${text.slice(at + 1)}`;
      if (changed === text) return;
      const { faults } = verify(rows.with(index, { ...row, text: changed }), { head, documents });
      assert.ok(faults.some((one) => one.code === 'digest-differs' && one.sequence === index + 1));
    }),
  );
});

test('whoever changes an entry and its digest too is found at the next one', () => {
  const { rows, head, documents } = chain();
  const text = (rows[2] as AuditRow).text.replace('person-3', 'nobody');
  const { faults } = verify(rows.with(2, { sequence: 3, text, digest: digestText(text) }), { head, documents });
  assert.deepEqual(faults, [{ code: 'link-broken', sequence: 4 }]);
});

test('dropping, swapping and repeating entries is found, whichever they are', () => {
  const { rows, head, documents } = chain();
  fc.assert(
    fc.property(fc.nat(LENGTH - 1), fc.nat(LENGTH - 1), (a, b) => {
      assert.ok(verify(rows.toSpliced(a, 1), { head, documents }).faultCount > 0, `entry ${a + 1} dropped`);
      const repeated = rows.toSpliced(b, 0, rows[a] as AuditRow);
      assert.ok(verify(repeated, { head, documents }).faultCount > 0, `entry ${a + 1} again at ${b + 1}`);
      if (a === b) return;
      const swapped = rows.with(a, rows[b] as AuditRow).with(b, rows[a] as AuditRow);
      assert.ok(verify(swapped, { head, documents }).faultCount > 0, `entries ${a + 1} and ${b + 1} swapped`);
    }),
  );
});

test('a chain that was cut off is found by the stored head, by its documents, and by a head that was noted', () => {
  const { rows, head, documents } = chain();
  const short = rows.slice(0, 5);
  const shortHead = { sequence: 5, digest: (rows[4] as AuditRow).digest };
  const codes = (verdict: AuditVerdict) => [...new Set(verdict.faults.map((one) => one.code))];
  assert.deepEqual(codes(verify(short, { head, documents: new Map([...documents].slice(0, 5)) })), ['chain-cut-off']);
  assert.deepEqual(codes(verify(short, { head: shortHead, documents })), ['entry-missing']);
  const forgotten = { head: shortHead, documents: new Map([...documents].slice(0, 5)) };
  assert.deepEqual(codes(verify(short, forgotten)), [], 'who removes everything else too leaves no trace in the store');
  assert.deepEqual(codes(verify(short, { ...forgotten, noted: head.digest })), ['head-not-in-chain']);
});

test('an entry that was added behind the stored end is found', () => {
  const { rows, documents } = chain();
  const check = auditCheck({ digestText, parse });
  for (const row of rows) check.add(row);
  check.compare(documents, LENGTH);
  const { digest } = rows[LENGTH - 2] as AuditRow;
  check.expectHead({ sequence: LENGTH - 1, digest });
  assert.deepEqual(check.finish().faults, [{ code: 'head-differs', sequence: LENGTH - 1 }]);
});

test('a chain that was written anew from some entry on is found by a head that was noted before', () => {
  const { rows } = chain();
  const anew = chain('another reason');
  const verdict = verify(anew.rows, { ...anew, noted: (rows[LENGTH - 1] as AuditRow).digest });
  assert.deepEqual(verdict.faults, [{ code: 'head-not-in-chain', sequence: LENGTH }]);
});

test('a release that was changed, added or removed behind the audit log is found', () => {
  const { rows, head, documents } = chain();
  const [key, other] = [documentKey('release', 'release-3'), documentKey('release', 'release-99')];
  const codes = (stored: StoredDocuments) => verify(rows, { head, documents: stored }).faults;
  const wrong = digestText('something else');
  assert.deepEqual(codes(new Map([...documents, [key, wrong]])), [
    { code: 'document-differs', sequence: 3, about: key },
  ]);
  assert.deepEqual(codes(new Map([...documents, [other, wrong]])), [
    { code: 'entry-missing', sequence: 0, about: other },
  ]);
  assert.deepEqual(codes(new Map([...documents].filter(([one]) => one !== key))), [
    { code: 'document-missing', sequence: 3, about: key },
  ]);
});

function chain(reason = 'as planned') {
  const rows: AuditRow[] = [];
  const documents = new Map<string, Sha256>();
  let head: AuditHead = EMPTY_CHAIN;
  for (let number = 1; number <= LENGTH; number++) {
    const value = { releaseId: `release-${number}` };
    const note = {
      at: fleetInstant(number),
      actor: `person-${number}`,
      action: 'release-published',
      subject: value.releaseId,
      reason,
      document: { kind: 'release', value },
    } as const;
    const linked = linkEntry(head, note, { wallAtMs: number, digestText });
    rows.push(linked.row);
    head = linked.head;
    documents.set(documentKey('release', value.releaseId), digestDocument(value, digestText));
  }
  return { rows, head, documents };
}

function verify(
  rows: readonly AuditRow[],
  seen: { readonly head: AuditHead; readonly documents: StoredDocuments; readonly noted?: Sha256 | undefined },
): AuditVerdict {
  const { head, documents, noted } = seen;
  const check = auditCheck({ digestText, parse, ...(noted === undefined ? {} : { noted }) });
  check.expectHead(head);
  for (const row of rows) check.add(row);
  check.compare(documents, check.head().sequence);
  return check.finish();
}

/** As much of a reader as the check needs; the real one is in the protocol and tested there. */
function parse(text: string) {
  try {
    const entry: AuditEntry = JSON.parse(text);
    return Number.isSafeInteger(entry?.sequence) ? ok(entry) : err({ code: 'body-malformed' });
  } catch (cause) {
    assert.ok(cause instanceof SyntaxError);
    return err({ code: 'body-malformed' });
  }
}

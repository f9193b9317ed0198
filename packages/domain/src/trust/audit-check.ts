// SPDX-License-Identifier: Apache-2.0
import type { Sha256 } from '../kernel/ids.ts';
import type { Result } from '../kernel/result.ts';
import { type AuditEntry, type AuditHead, type AuditRow, EMPTY_CHAIN } from './audit.ts';
import { type ComparedKind, isCompared } from './audit-actions.ts';
import type { AuditFault, AuditFaultCode } from './audit-faults.ts';
import type { DigestText } from './ports.ts';

/** Recomputes a chain row by row, wherever it comes from, and holds it against what the store says elsewhere. */
export interface AuditCheck {
  /** The next row, in the order in which they are stored. */
  add(row: AuditRow): void;
  /** The stored end, read after the rows added so far and before those that come: none of the former may lie behind it. */
  expectHead(head: AuditHead): void;
  /** The end of what was added so far. */
  head(): AuditHead;
  /**
   * Compares with the documents in the store. They were read when the chain was at `settledTo`: entries after it may name
   * documents that came later.
   */
  compare(stored: StoredDocuments, settledTo: number): void;
  finish(): AuditVerdict;
}

/** How texts are hashed and read, and what a person has noted. `parse` may return any code: an entry it refuses is a fault. */
export interface AuditCheckOptions {
  readonly digestText: DigestText;
  readonly parse: (text: string) => Result<AuditEntry, { readonly code: string }>;
  /** A digest that a person has noted outside: it must be one of the chain's. */
  readonly noted?: Sha256;
}

/** Digests of documents as they lie in the store, by `documentKey`. */
export type StoredDocuments = ReadonlyMap<string, Sha256>;

/** What was found. */
export interface AuditVerdict {
  readonly entries: number;
  /** Of these, changes from before the audit log was kept. */
  readonly broughtIn: number;
  readonly compared: Readonly<Record<ComparedKind, number>>;
  readonly head: AuditHead;
  /** All that were found; at most `AUDIT_FAULTS_MAX` of them are listed. */
  readonly faultCount: number;
  readonly faults: readonly AuditFault[];
}

/** A chain that is wrong throughout is described by its first places. */
export const AUDIT_FAULTS_MAX = 100;

/** Names a document: a policy entry by its revision, a release or its withdrawal by the release id. */
export function documentKey(kind: ComparedKind, name: string | number): string {
  return `${kind} ${name}`;
}

/** Starts with nothing added. */
export function auditCheck({ digestText, parse, noted }: AuditCheckOptions): AuditCheck {
  const faults: AuditFault[] = [];
  const documents = new Map<string, { readonly digest: Sha256; readonly sequence: number }>();
  const expected = new Map<number, Sha256>();
  const compared = { 'policy-entry': 0, release: 0, withdrawal: 0 };
  let [faultCount, broughtIn, entries] = [0, 0, 0];
  let head = EMPTY_CHAIN;
  let isNotedFound = noted === undefined || noted === EMPTY_CHAIN.digest;

  function find(code: AuditFaultCode, sequence: number, about?: string): void {
    faultCount++;
    if (faults.length < AUDIT_FAULTS_MAX) faults.push({ code, sequence, ...(about === undefined ? {} : { about }) });
  }

  function take(entry: AuditEntry): void {
    if (entry.isBroughtIn === true) broughtIn++;
    const { document, sequence } = entry;
    if (document === undefined || !isCompared(document.kind)) return;
    const key = documentKey(document.kind, entry.revision ?? entry.subject);
    if (documents.has(key)) find('entry-repeated', sequence, key);
    documents.set(key, { digest: document.digest, sequence });
  }

  function meetExpected(): void {
    const digest = expected.get(head.sequence);
    if (digest !== undefined && digest !== head.digest) find('head-differs', head.sequence);
    expected.delete(head.sequence);
  }

  return {
    head: () => head,
    add({ sequence: place, text, digest }) {
      entries++;
      if (place !== head.sequence + 1) find('sequence-broken', place, `after entry ${head.sequence}`);
      // What is stored may lie about itself; what follows was chained to what is stored.
      if (digestText(text) !== digest) find('digest-differs', place);
      else if (digest === noted) isNotedFound = true;
      const parsed = parse(text);
      if (!parsed.ok) find('entry-unreadable', place);
      else {
        const { sequence, previous } = parsed.value;
        if (sequence !== place) find('sequence-broken', place, `it calls itself ${sequence}`);
        if (previous !== head.digest) find('link-broken', place);
        take(parsed.value);
      }
      head = { sequence: place, digest };
      meetExpected();
    },
    expectHead(one) {
      if (one.sequence > head.sequence) expected.set(one.sequence, one.digest);
      // The stored end only ever moves on: an entry behind it that was read before is none of the server's.
      else if (one.sequence < head.sequence || one.digest !== head.digest) find('head-differs', one.sequence);
    },
    compare(stored, settledTo) {
      for (const [key, digest] of stored) {
        const said = documents.get(key);
        if (said === undefined) find('entry-missing', 0, key);
        else if (said.digest !== digest) find('document-differs', said.sequence, key);
        const kind = key.slice(0, key.indexOf(' '));
        if (isCompared(kind)) compared[kind]++;
      }
      for (const [key, { sequence }] of documents) {
        if (!stored.has(key) && sequence <= settledTo) find('document-missing', sequence, key);
      }
    },
    finish() {
      for (const sequence of expected.keys()) find('chain-cut-off', sequence);
      if (!isNotedFound) find('head-not-in-chain', head.sequence);
      return { entries, broughtIn, compared, head, faultCount, faults };
    },
  };
}

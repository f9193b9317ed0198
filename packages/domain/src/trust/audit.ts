// SPDX-License-Identifier: Apache-2.0
import { canonicalJson, type Json } from '../kernel/canonical-json.ts';
import type { Revision, Sha256 } from '../kernel/ids.ts';
import type { FleetInstant } from '../kernel/time.ts';
import type { AuditAction, AuditDocumentKind } from './audit-actions.ts';
import type { DigestText } from './ports.ts';

/** Who makes a change, and in which request of the management API. */
export interface ChangedBy extends UnderRequest {
  /** A person's or service's name, `decision` for the rule itself, `server` for what a program does by itself. */
  readonly actor: string;
}

/** The request in which something is changed. */
export interface UnderRequest {
  readonly requestId?: string;
  /** By what they proved who they are: `session`, `service-token:deploy`, `break-glass`. Absent: no request of a person. */
  readonly via?: string;
}

/** What a change says of itself; the store writes it into the audit log in the transaction of the change. */
export interface AuditNote extends ChangedBy {
  readonly at: FleetInstant;
  readonly action: AuditAction;
  /** What was changed: the id of a rollout or release, a scope, a name. */
  readonly subject: string;
  /** Why, in the words of whoever did it. */
  readonly reason?: string;
  /** What else people want to read at a glance, as a part of a sentence. */
  readonly detail?: string;
  /** Of the policy log, for its entries. */
  readonly revision?: Revision;
  /** The whole of what was written elsewhere: its digest goes into the log. */
  readonly document?: { readonly kind: AuditDocumentKind; readonly value: object };
  /** True: the change was made where no audit log was kept, and its trace was found later. */
  readonly isBroughtIn?: boolean;
}

/** One entry of the audit log, as it is hashed. */
export interface AuditEntry extends Omit<AuditNote, 'action' | 'document'> {
  /** From one, without a gap. */
  readonly sequence: number;
  /** Digest of the entry before; of the first, that of `EMPTY_CHAIN`. */
  readonly previous: Sha256;
  /** The wall clock of the database, in milliseconds since 1970; `at` is fleet time. */
  readonly wallAtMs: number;
  /** One of `AuditAction`, or what a later version calls one. */
  readonly action: string;
  readonly document?: { readonly kind: string; readonly digest: Sha256 };
}

/** An entry as it is stored: its canonical JSON, and the SHA-256 of exactly that text, which anyone can compute. */
export interface AuditRow {
  /** Where it is stored: the text must say the same. */
  readonly sequence: number;
  readonly text: string;
  readonly digest: Sha256;
}

/** The end of the chain: whoever has noted it can tell later whether anything before it was changed or cut off. */
export interface AuditHead {
  /** How many entries there are. */
  readonly sequence: number;
  readonly digest: Sha256;
}

/** The head of a chain without entries. */
export const EMPTY_CHAIN: AuditHead = { sequence: 0, digest: '0'.repeat(64) as Sha256 };

/** What a store adds to a note: the wall clock, and the platform's SHA-256. */
export interface AuditSeal {
  readonly wallAtMs: number;
  readonly digestText: DigestText;
}

/** Chains a note to the head: the row to be stored, and the head that it makes. */
export function linkEntry(
  head: AuditHead,
  note: AuditNote,
  { wallAtMs, digestText }: AuditSeal,
): { readonly row: AuditRow; readonly head: AuditHead } {
  const { document, ...said } = note;
  const sequence = head.sequence + 1;
  const entry: AuditEntry = {
    ...said,
    ...(document === undefined
      ? {}
      : { document: { kind: document.kind, digest: digestDocument(document.value, digestText) } }),
    sequence,
    previous: head.digest,
    wallAtMs,
  };
  const text = textOf(entry);
  const digest = digestText(text);
  return { row: { sequence, text, digest }, head: { sequence, digest } };
}

/** SHA-256 of a document's canonical JSON: what an entry says of what was written elsewhere. */
export function digestDocument(document: object, digestText: DigestText): Sha256 {
  return digestText(textOf(document));
}

function textOf(value: object): string {
  // An interface has no index signature, so the compiler cannot see that its members are JSON.
  return canonicalJson(value as Json);
}

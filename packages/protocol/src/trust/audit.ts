// SPDX-License-Identifier: Apache-2.0
import type { Sha256 } from '@outrider/domain/kernel/ids';
import type { Result } from '@outrider/domain/kernel/result';
import type { AuditEntry, AuditHead, AuditRow } from '@outrider/domain/trust/audit';
import { parseText } from '../kernel/json-text.ts';
import { REASON_CHARACTERS_MAX } from '../kernel/limits.ts';
import type { ParseError } from '../kernel/parse-error.ts';
import { bool, listOf, optional, record, text, whole } from '../kernel/reader.ts';
import { instant, label, revision, sha256 } from '../kernel/values.ts';

/** Entries of one page, read at once by whoever verifies the chain. */
export const AUDIT_PAGE_ENTRIES_MAX = 1_000;

/** Reasons and details in the longest form that JSON has for them, and room for what a later version adds. */
const ENTRY_BYTES_MAX = 65_536;

/** A page of the audit log as the management API hands it over. */
export interface AuditPageAnswer {
  /** The end of the whole chain, read before the items. */
  readonly head: AuditHead;
  readonly items: readonly AuditRow[];
}

/** Reads the text of one entry: what a later version added is left out here, and stays in the text. Code: body-malformed. */
export function parseAuditEntry(body: string): Result<AuditEntry, ParseError> {
  return parseText(body, { noun: 'audit-entry', bytesMax: ENTRY_BYTES_MAX, reader: auditEntry });
}

/** Reads a page of the audit log. Code: body-malformed. */
export function parseAuditPage(body: string): Result<AuditPageAnswer, ParseError> {
  return parseText(body, { noun: 'audit-page', bytesMax: PAGE_BYTES_MAX, reader: auditPage });
}

/** Each text stands there twice, once as JSON inside JSON. */
const PAGE_BYTES_MAX = AUDIT_PAGE_ENTRIES_MAX * ENTRY_BYTES_MAX * 3;

const short = text({ charactersMin: 1, charactersMax: 512 });

const auditEntry = record<AuditEntry>({
  sequence: whole({ min: 1 }),
  previous: sha256,
  at: instant,
  wallAtMs: whole({ min: 0 }),
  actor: text({ charactersMin: 1, charactersMax: 128 }),
  action: label,
  subject: short,
  reason: optional(text({ charactersMax: REASON_CHARACTERS_MAX })),
  detail: optional(short),
  revision: optional(revision),
  requestId: optional(short),
  via: optional(short),
  document: optional(record<{ readonly kind: string; readonly digest: Sha256 }>({ kind: label, digest: sha256 })),
  isBroughtIn: optional(bool),
});

const auditPage = record<AuditPageAnswer>({
  head: record<AuditHead>({ sequence: whole({ min: 0 }), digest: sha256 }),
  items: listOf(
    record<AuditRow>({ sequence: whole({ min: 1 }), text: text({ charactersMax: ENTRY_BYTES_MAX }), digest: sha256 }),
    {
      countMax: AUDIT_PAGE_ENTRIES_MAX,
    },
  ),
});

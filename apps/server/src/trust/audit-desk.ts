// SPDX-License-Identifier: Apache-2.0
import type { AuditEntry, AuditHead, AuditRow } from '@outrider/domain/trust/audit';
import type { AuditLog, AuditPage } from '@outrider/domain/trust/ports';
import { parseAuditEntry } from '@outrider/protocol/trust/audit';

/** A page of the audit log for people and programs. */
export interface AuditAnswer {
  /** The end of the whole chain, read before the items. */
  readonly head: AuditHead;
  readonly items: readonly AuditItem[];
}

/** What is hashed, its digest, and for scripts what it says; whoever verifies goes by the text alone. */
export interface AuditItem extends AuditRow {
  /** Absent when the text is no entry any more, which a verification tells. */
  readonly entry?: AuditEntry;
}

/** What may be asked of the audit log. */
export interface AuditDesk {
  list(page: AuditPage): Promise<AuditAnswer>;
}

export function auditDesk(audit: AuditLog): AuditDesk {
  return {
    async list(page) {
      // In this order: an entry that comes in between lies behind the head that is told, never before it.
      const head = await audit.loadHead();
      return { head, items: (await audit.loadEntries(page)).map(itemOf) };
    },
  };
}

function itemOf(row: AuditRow): AuditItem {
  const parsed = parseAuditEntry(row.text);
  return parsed.ok ? { ...row, entry: parsed.value } : row;
}

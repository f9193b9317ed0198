// SPDX-License-Identifier: Apache-2.0
import { digestText } from '@outrider/adapters/shared/digest';
import { assert } from '@outrider/domain/kernel/assert';
import { type AuditNote, linkEntry } from '@outrider/domain/trust/audit';
import type { AuditLog } from '@outrider/domain/trust/ports';
import { describeParseError } from '@outrider/protocol/kernel/parse-error';
import { parseAuditEntry } from '@outrider/protocol/trust/audit';
import type { MemoryState } from './state.ts';

export function memoryAuditLog(state: MemoryState): AuditLog {
  return {
    async loadHead() {
      return state.auditHead;
    },
    async loadEntries({ after, limit, since, actor, action }) {
      return state.audit
        .filter(
          ({ entry }) =>
            entry.sequence > after &&
            (since === undefined || entry.at >= since) &&
            (actor === undefined || entry.actor === actor) &&
            (action === undefined || entry.action === action),
        )
        .slice(0, limit)
        .map(({ row }) => row);
    },
  };
}

/** Writes a note at the end of the chain. There is no wall clock in memory: fleet time stands for it. */
export function appendAudit(state: MemoryState, note: AuditNote): void {
  const { row, head } = linkEntry(state.auditHead, note, { wallAtMs: note.at, digestText });
  const parsed = parseAuditEntry(row.text);
  assert(parsed.ok, `an audit entry in its own format, got ${parsed.ok ? '' : describeParseError(parsed.error)}`);
  state.audit.push({ entry: parsed.value, row });
  state.auditHead = head;
}

// SPDX-License-Identifier: Apache-2.0
import { present } from '@outrider/domain/kernel/assert';
import type { AuditLog } from '@outrider/domain/trust/ports';
import type { Database } from './pool.ts';
import { numberOf, sha256Of, textOf } from './row.ts';

/** The audit log as it is read; what is changed writes into it by `audit-chain.ts`. */
export function postgresAuditLog(database: Database): AuditLog {
  return {
    async loadHead() {
      const [found] = await database.query('select sequence, digest from audit_head');
      const row = present(found, 'the head of the audit log');
      return { sequence: numberOf(row, 'sequence'), digest: sha256Of(row, 'digest') };
    },
    async loadEntries({ after, limit, since, actor, action }) {
      const rows = await database.query(LOAD, [after, since ?? null, actor ?? null, action ?? null, limit]);
      // Nothing is believed of them here: whoever reads them verifies them.
      return rows.map((row) => ({
        sequence: numberOf(row, 'sequence'),
        text: textOf(row, 'entry'),
        digest: sha256Of(row, 'digest'),
      }));
    },
  };
}

const LOAD = `
select sequence, entry, digest from audit_log
where sequence > $1 and ($2::bigint is null or at >= $2) and ($3::text is null or actor = $3)
  and ($4::text is null or action = $4)
order by sequence limit $5`;

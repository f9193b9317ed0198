// SPDX-License-Identifier: Apache-2.0
import { type BackupRow, readRows } from '@outrider/adapters/server/backup/read-rows';
import { verifyBackup } from '@outrider/adapters/server/backup/verify-backup';
import { digestText } from '@outrider/adapters/shared/digest';
import { present } from '@outrider/domain/kernel/assert';
import type { Sha256 } from '@outrider/domain/kernel/ids';
import { type AuditHead, type AuditRow, digestDocument, EMPTY_CHAIN } from '@outrider/domain/trust/audit';
import { type AuditCheck, documentKey } from '@outrider/domain/trust/audit-check';
import { type AuditedDocument, documentsOfPolicy, documentsOfRelease } from './audited-documents.ts';
import { backupFailure } from './backup-failure.ts';
import { backupProgress } from './backup-progress.ts';
import { CommandFailure } from './failure.ts';
import type { World } from './world.ts';

/** Reads the chain of a backup into a check, and what it speaks of: all of one instant, without a database. */
export async function readAuditOfBackup(check: AuditCheck, path: string, world: World): Promise<void> {
  try {
    const manifest = await verifyBackup(path, backupProgress(world));
    if (!manifest.tables.some((one) => one.name === 'audit_log')) {
      const detail = `The backup ${path} was made by version ${manifest.program}, which kept no audit log; restore it, and its policy log and catalogue are brought into one`;
      throw new CommandFailure('refused', detail, { code: 'audit-absent' });
    }
    const rows: AuditRow[] = [];
    let head: AuditHead = EMPTY_CHAIN;
    const documents: AuditedDocument[] = [];
    for await (const { table, row } of readRows(path, manifest, TABLES)) {
      if (table === 'audit_head') {
        head = { sequence: Number(fieldOf(row, 'sequence')), digest: digestOf(row) };
      } else if (table === 'audit_log') {
        rows.push({ sequence: Number(fieldOf(row, 'sequence')), text: fieldOf(row, 'entry'), digest: digestOf(row) });
      } else if (table === 'policy_log') documents.push(...documentsOfPolicy(policyEntryOf(row)));
      else documents.push(...documentsOfRelease(releaseOf(row)));
    }
    // A copy of a table has no order.
    for (const row of rows.sort((a, b) => a.sequence - b.sequence)) check.add(row);
    check.expectHead(head);
    const digests = documents.map(
      ({ kind, name, value }) => [documentKey(kind, name), digestDocument(value, digestText)] as const,
    );
    check.compare(new Map(digests), check.head().sequence);
  } catch (cause) {
    throw backupFailure(cause);
  }
}

const TABLES: ReadonlySet<string> = new Set(['audit_head', 'audit_log', 'policy_log', 'release']);

function policyEntryOf(row: BackupRow): object {
  const [revision, at] = [Number(fieldOf(row, 'revision')), Number(fieldOf(row, 'at'))];
  return { revision, at, author: fieldOf(row, 'author'), change: JSON.parse(fieldOf(row, 'change')) };
}

function releaseOf(row: BackupRow): object {
  const release: object = JSON.parse(fieldOf(row, 'release'));
  const [withdrawnAt, withdrawnReason] = [row.get('withdrawn_at'), row.get('withdrawn_reason')];
  if (typeof withdrawnAt !== 'string') return release;
  return { ...release, withdrawnAt: Number(withdrawnAt), withdrawnReason };
}

function digestOf(row: BackupRow): Sha256 {
  // Only compared with digests that are computed here.
  return fieldOf(row, 'digest') as Sha256;
}

function fieldOf(row: BackupRow, name: string): string {
  return present(row.get(name) ?? undefined, `the column ${name} in a row of a backup`);
}

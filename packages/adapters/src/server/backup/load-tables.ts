// SPDX-License-Identifier: Apache-2.0
import { promisify } from 'node:util';
import { zstdDecompress } from 'node:zlib';
import { assert } from '@outrider/domain/kernel/assert';
import type { DurationMs } from '@outrider/domain/kernel/time';
import { MIGRATIONS } from '../postgres/migrations.ts';
import { numberOf, textOf } from '../postgres/row.ts';
import { applyMigration } from '../postgres/schema.ts';
import type { CopySession } from '../postgres/table-copy.ts';
import { type ArchivePart, readArchive } from './archive.ts';
import { BackupError } from './errors.ts';
import type { BackupManifest, BackupTable } from './manifest.ts';
import { readPartName, TABLE_PART_BYTES } from './parts.ts';
import type { BackupProgress } from './write-backup.ts';

export interface TableSource {
  readonly path: string;
  readonly manifest: BackupManifest;
  /** Whole milliseconds since the backup was made. */
  readonly sinceMs: DurationMs;
  readonly onProgress: (progress: BackupProgress) => void;
}

/**
 * Makes the schema that the backup has, fills its tables, and brings them to the schema of this program, all in the
 * session's transaction. The database must be empty. Throws BackupError: database-not-empty.
 */
export async function loadTables(session: CopySession, source: TableSource): Promise<void> {
  const { query } = session;
  await refuseUsed(session);
  const version = source.manifest.migrations.length;
  for (let number = 1; number <= version; number++) await applyMigration(query, MIGRATIONS, number);
  const digests = new Map(source.manifest.parts.map((one) => [one.name, one.sha256]));
  const parts = tableParts(source);
  let next = await parts.next();
  for (const table of source.manifest.tables) {
    await clearSeed(session, table);
    async function* rowsOfTable(): AsyncGenerator<Uint8Array> {
      let bytes = 0;
      while (!next.done && next.value.table === table.name) {
        const block = await decompress(await bytesOf(next.value.part, digests), { maxOutputLength: TABLE_PART_BYTES });
        bytes += block.byteLength;
        source.onProgress({ step: 'table', name: table.name, bytes });
        yield block;
        next = await parts.next();
      }
    }
    const rows = await session.copyIn(table, rowsOfTable());
    assert(rows === table.rows, `${table.rows} rows of ${table.name}, got ${rows}`);
  }
  assert(next.done === true, 'parts of the tables that the manifest lists, and of no other');
  await raisePositions(session, source.sinceMs);
  for (let number = version + 1; number <= MIGRATIONS.length; number++) await applyMigration(query, MIGRATIONS, number);
}

const decompress = promisify(zstdDecompress);

/** Throws BackupError: database-not-empty. */
export async function refuseUsed({ query }: CopySession): Promise<void> {
  const [row] = await query(`select to_regclass('schema_migration') is not null as is_used`);
  if (row?.is_used !== true) return;
  const detail = 'The database holds an installation already: restore into an empty one';
  throw new BackupError('database-not-empty', detail);
}

/** What migrations put into a table is in the backup too. */
async function clearSeed({ query }: CopySession, { name }: BackupTable): Promise<void> {
  const [row] = await query(`select exists (select from "${name}") as has_seed`);
  if (row?.has_seed === true) await query(`delete from "${name}"`);
}

/** The parts of tables, in the order of the archive, which is that of the manifest. */
async function* tableParts({
  path,
}: TableSource): AsyncGenerator<{ readonly table: string; readonly part: ArchivePart }> {
  for await (const part of readArchive(path)) {
    const name = readPartName(part.name);
    if (name?.kind === 'table') yield { table: name.table, part };
  }
}

/** Checked again: the file is read a second time. */
async function bytesOf(part: ArchivePart, digests: ReadonlyMap<string, string>): Promise<Uint8Array> {
  const kept: Uint8Array[] = [];
  for await (const chunk of part.chunks) kept.push(chunk);
  assert(part.digest() === digests.get(part.name), `the part ${part.name} as it was verified a moment ago`);
  return Buffer.concat(kept);
}

/**
 * Whoever has paged through reports or ledger since the backup holds positions that are not in it: none of them comes again
 * with another row.
 */
async function raisePositions({ query }: CopySession, sinceMs: DurationMs): Promise<void> {
  for (const row of await query(IDENTITY_COLUMNS)) {
    const [table, column] = [textOf(row, 'table_name'), textOf(row, 'column_name')];
    const [newest] = await query(`select coalesce(max("${column}"), 0) as position from "${table}"`);
    assert(newest !== undefined, 'an aggregate without groups has one row');
    await query('select setval(pg_get_serial_sequence(quote_ident($1), $2), $3)', [
      table,
      column,
      numberOf(newest, 'position') + POSITIONS_SKIPPED + sinceMs * POSITIONS_PER_MS,
    ]);
  }
}

/** More rows than a fleet of a hundred million devices writes in a day. */
const POSITIONS_SKIPPED = 1_000_000_000;
/** More than a PostgreSQL writes: a backup that is restored a second time begins above what the first one wrote since. */
const POSITIONS_PER_MS = 100;

const IDENTITY_COLUMNS = `
select c.relname as table_name, a.attname as column_name
from pg_attribute a join pg_class c on c.oid = a.attrelid
where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p') and a.attidentity <> ''
order by c.relname`;

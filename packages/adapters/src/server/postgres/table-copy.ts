// SPDX-License-Identifier: Apache-2.0
import { pipeline } from 'node:stream/promises';
import { Client } from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { type PostgresConnection, tlsOf } from './connection.ts';
import { named } from './errors.ts';
import { type Database, type Row, TYPES } from './pool.ts';
import { textOf } from './row.ts';

/** A table as it is copied: all columns but those that PostgreSQL computes itself. */
export interface TableShape {
  readonly name: string;
  readonly columns: readonly string[];
}

/** One transaction on a connection of its own, in which tables are copied. Faults are named as those of the ports. */
export interface CopySession {
  readonly query: Database['query'];
  /** The columns of a table, in their order. */
  shapeOf(table: string): Promise<TableShape>;
  /** All rows of a table in PostgreSQL's own text form, and how many there were once the stream has ended. */
  copyOut(table: TableShape): { readonly chunks: AsyncIterable<Uint8Array>; readonly rowCount: () => number };
  /** Adds rows in the same form; answers with their number. */
  copyIn(table: TableShape, chunks: AsyncIterable<Uint8Array>): Promise<number>;
}

export type CopyMode =
  /** All of it sees one instant of the database, while others write. */
  | 'snapshot'
  /** All or nothing. */
  | 'load';

/** Runs `work` in one transaction: committed when it returns in mode `load`, rolled back when it throws. */
export async function useCopySession<T>(
  connection: PostgresConnection,
  mode: CopyMode,
  work: (session: CopySession) => Promise<T>,
): Promise<T> {
  const { tls: _, tlsRootFile: __, ...address } = connection;
  const client = new Client({
    ...address,
    ssl: tlsOf(connection),
    application_name: mode === 'snapshot' ? 'outrider backup' : 'outrider restore',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    types: TYPES,
  });
  // A connection that breaks between two statements would otherwise end the process; the next statement says it.
  client.on('error', () => {});
  try {
    await client.connect();
    // A large table takes as long as it takes; the setting of a role must not cut it short.
    await client.query('set statement_timeout = 0; set idle_in_transaction_session_timeout = 0');
    await client.query(BEGIN[mode]);
    const value = await work(sessionOn(client));
    await client.query('commit');
    return value;
  } catch (cause) {
    throw named(cause);
  } finally {
    // Ends the transaction too, if it is still open.
    await client.end().catch(() => {});
  }
}

const CONNECT_TIMEOUT_MS = 5_000;

const BEGIN: Readonly<Record<CopyMode, string>> = {
  snapshot: 'begin transaction isolation level repeatable read, read only',
  load: 'begin',
};

function sessionOn(client: Client): CopySession {
  const query: Database['query'] = async (statement, values = []) =>
    (await client.query<Row>({ text: statement, values: [...values] })).rows;
  return {
    query,
    async shapeOf(table) {
      const rows = await query(COLUMNS, [table]);
      return { name: table, columns: rows.map((row) => textOf(row, 'name')) };
    },
    copyOut(table) {
      const stream = client.query(copyTo(`copy ${listed(table)} to stdout`));
      return { chunks: stream, rowCount: () => stream.rowCount };
    },
    async copyIn(table, chunks) {
      const stream = client.query(copyFrom(`copy ${listed(table)} from stdin`));
      await pipeline(chunks, stream);
      return stream.rowCount;
    },
  };
}

/** Without generated columns, which COPY does not take either. */
const COLUMNS = `
select attname as name from pg_attribute
where attrelid = to_regclass(quote_ident($1)) and attnum > 0 and not attisdropped and attgenerated = ''
order by attnum`;

function listed({ name, columns }: TableShape): string {
  return `${quoted(name)} (${columns.map(quoted).join(', ')})`;
}

/** An identifier as SQL takes it, whatever is in it. */
function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

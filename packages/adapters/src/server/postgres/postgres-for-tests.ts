// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { type EmbeddedPostgres, removeEmbeddedPostgres, startEmbeddedPostgres } from '../embedded-postgres.ts';
import type { PostgresConnection } from './connection.ts';
import { openPostgresStore } from './store.ts';

/** One PostgreSQL for a file of tests, in a folder for temporary files. */
export interface PostgresForTests {
  readonly dataFolder: string;
  readonly postgres: EmbeddedPostgres;
  /** A new database with the present schema and nothing in it. */
  createDatabase(): Promise<PostgresConnection>;
  remove(): Promise<void>;
}

export async function startPostgresForTests(): Promise<PostgresForTests> {
  const dataFolder = await mkdtemp(join(tmpdir(), 'outrider-postgres-'));
  const postgres = await startEmbeddedPostgres({ dataFolder, log: () => {} });
  const createDatabase = await databasesForTests(postgres.connection);
  return {
    dataFolder,
    postgres,
    createDatabase,
    async remove() {
      await postgres.stop();
      await removeEmbeddedPostgres(dataFolder);
      await rm(dataFolder, { recursive: true });
    },
  };
}

/**
 * Gives databases with the present schema and nothing in them, on whatever PostgreSQL this is. The one that the connection
 * names becomes the model: copying it is faster than migrating each anew.
 */
export async function databasesForTests(model: PostgresConnection): Promise<() => Promise<PostgresConnection>> {
  await (await openPostgresStore({ connection: model })).close();
  let count = 0;
  return async () => {
    count++;
    const database = `case_${count}`;
    const statement = `create database ${database} template ${model.database} strategy file_copy`;
    await execute({ ...model, database: 'postgres' }, statement);
    return { ...model, database };
  };
}

/** One statement on a connection of its own, past all ports: what a person with psql could do. */
export async function execute(
  { tls: _, ...connection }: PostgresConnection,
  statement: string,
): Promise<readonly unknown[]> {
  const client = new Client(connection);
  await client.connect();
  try {
    return (await client.query<Readonly<Record<string, unknown>>>(statement)).rows;
  } finally {
    await client.end();
  }
}

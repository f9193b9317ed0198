// SPDX-License-Identifier: Apache-2.0
import type { PolicyNotices } from '@outrider/domain/policy/ports';
import { Client } from 'pg';
import { delay } from '../../shared/delay.ts';
import { type PostgresConnection, tlsOf } from '../postgres/connection.ts';
import { followers } from './followers.ts';

/** Between two attempts to listen again; meanwhile servers look by themselves. */
const RECONNECT_MS = 1_000;
/** A connection that swallows all is given up and made anew. */
const ANSWER_MS = 5_000;

const CHANNEL = 'outrider_policy';

/**
 * Notices by LISTEN and NOTIFY, on one connection of their own, which is made anew whenever it broke. It needs a session: a
 * pooler between server and database that shares sessions out by the transaction delivers nothing, and nothing breaks by it.
 */
export function postgresNotices(connection: PostgresConnection): PolicyNotices {
  const following = followers();
  const closing = Promise.withResolvers<void>();
  let isClosed = false;
  let client: Client | undefined;

  async function listenOnce(): Promise<void> {
    const { tls: _, tlsRootFile: __, ...address } = connection;
    const one = new Client({
      ...address,
      ssl: tlsOf(connection),
      application_name: 'outrider notices',
      connectionTimeoutMillis: ANSWER_MS,
      query_timeout: ANSWER_MS,
      keepAlive: true,
    });
    const ended = Promise.withResolvers<void>();
    one.on('error', () => ended.resolve());
    one.on('end', () => ended.resolve());
    one.on('notification', () => following.tell());
    try {
      await one.connect();
      await one.query(`listen ${CHANNEL}`);
      client = one;
      // What was told while nobody listened here is looked for now.
      following.tell();
      await Promise.race([ended.promise, closing.promise]);
    } catch {
      // The database is away: whoever reads the policy says so.
    } finally {
      client = undefined;
      await Promise.race([one.end().catch(() => undefined), delay(ANSWER_MS)]);
    }
  }

  async function listen(): Promise<void> {
    while (!isClosed) {
      await listenOnce();
      if (!isClosed) await Promise.race([delay(RECONNECT_MS), closing.promise]);
    }
  }
  const listening = listen();

  return {
    tell() {
      client?.query(`notify ${CHANNEL}`).catch(() => undefined);
    },
    follow: following.add,
    async close() {
      isClosed = true;
      closing.resolve();
      await listening;
    },
  };
}

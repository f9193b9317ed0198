// SPDX-License-Identifier: Apache-2.0

import { connect, type NatsConnection } from '@nats-io/transport-node';
import type { PolicyNotices } from '@outrider/domain/policy/ports';
import { delay } from '../../shared/delay.ts';
import { followers } from './followers.ts';

/** Between two attempts to reach the bus, without end: meanwhile servers look by themselves. */
const RECONNECT_MS = 1_000;

const CONNECT_MS = 2_000;

const SUBJECT = 'outrider.policy.look';

/** Notices over NATS, as plain messages without a stream: a lost one costs half a second. `url` may hold a secret. */
export function natsNotices(url: string): PolicyNotices {
  const following = followers();
  const { servers, ...credentials } = addressOf(url);
  const closing = Promise.withResolvers<void>();
  let connection: NatsConnection | undefined;
  let isClosed = false;

  /** Until the bus is there for the first time; from then on the connection is made anew by itself. */
  async function reach(): Promise<void> {
    while (!isClosed) {
      try {
        const made = await connect({
          ...{ servers, ...credentials, name: 'outrider', timeout: CONNECT_MS },
          ...{ reconnect: true, maxReconnectAttempts: -1, reconnectTimeWait: RECONNECT_MS },
        });
        made.subscribe(SUBJECT, { callback: () => following.tell() });
        connection = made;
        return;
      } catch {
        // It is away, or lets nobody in: nothing relies on it.
        await Promise.race([delay(RECONNECT_MS), closing.promise]);
      }
    }
  }
  const reaching = reach();

  return {
    tell() {
      if (connection === undefined || connection.isClosed()) return;
      try {
        connection.publish(SUBJECT);
      } catch {
        // It closed in between.
      }
    },
    follow: following.add,
    async close() {
      isClosed = true;
      closing.resolve();
      await reaching;
      await connection?.close();
    },
  };
}

function addressOf(url: string): { readonly servers: string; readonly user?: string; readonly pass?: string } {
  const { hostname, port, username, password } = new URL(url);
  const servers = `${hostname}:${port === '' ? 4222 : port}`;
  if (username === '') return { servers };
  return { servers, user: decodeURIComponent(username), pass: decodeURIComponent(password) };
}

// SPDX-License-Identifier: Apache-2.0

import { connect, type NatsConnection } from '@nats-io/transport-node';
import type { PolicyNotices } from '@outrider/domain/policy/ports';
import { followers } from './followers.ts';

/** Between two attempts to reach the bus, without end: meanwhile servers look by themselves. */
const RECONNECT_MS = 1_000;

const SUBJECT = 'outrider.policy.look';

/** Notices over NATS, as plain messages without a stream: a lost one costs half a second. `url` may hold a secret. */
export function natsNotices(url: string): PolicyNotices {
  const following = followers();
  const { servers, ...credentials } = addressOf(url);
  let connection: NatsConnection | undefined;
  let isClosed = false;
  const connecting = connect({
    servers,
    ...credentials,
    name: 'outrider',
    waitOnFirstConnect: true,
    reconnect: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: RECONNECT_MS,
  }).then(
    (made) => {
      if (isClosed) return made;
      connection = made;
      made.subscribe(SUBJECT, { callback: () => following.tell() });
      return made;
    },
    // Only a bus that cannot be understood ends the attempts; nothing relies on it.
    () => undefined,
  );

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
      if (connection !== undefined) return await connection.close();
      // Still being made: it is closed when it is there, and the process does not wait for that.
      void connecting.then((made) => made?.close());
    },
  };
}

function addressOf(url: string): { readonly servers: string; readonly user?: string; readonly pass?: string } {
  const { hostname, port, username, password } = new URL(url);
  const servers = `${hostname}:${port === '' ? 4222 : port}`;
  if (username === '') return { servers };
  return { servers, user: decodeURIComponent(username), pass: decodeURIComponent(password) };
}

// SPDX-License-Identifier: Apache-2.0
import { createPrivateKey } from 'node:crypto';
import { connect as connectTcp, type Socket } from 'node:net';
import process from 'node:process';
import { setTimeout as elapse } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { wallClock } from '@outrider/adapters/shared/clock';
import { loopTurns } from '@outrider/adapters/shared/loop-turns';
import { exchanger } from './exchange.ts';
import { herdCertificate, herdDeviceId, herdKey } from './herd-device.ts';
import type { HerdJob, HerdOrder, HerdResult } from './job.ts';
import { type Exchange, type HerdPart, herdPart } from './part.ts';

/** As an agent: a server that says nothing for so long is gone. */
const SILENCE_MAX_MS = 30_000;
/** Whoever waits sees that something happens. */
const PROGRESS_MS = 15_000;
/** How often somebody who has nothing to do looks again. */
const LOOK_MS = 20;
/** Loopback has 16 million addresses; so many of them give more ports than one has. */
const ADDRESSES = 200;

/** A part of the herd, in a process of its own, so that its descriptors and its processor time are its own. */
let go: (() => Promise<HerdResult>) | undefined;
process.on('message', (order: HerdOrder) => {
  const work =
    order.kind === 'prepare'
      ? Promise.resolve().then(() => {
          go = prepared(order.job);
          return { isReady: true };
        })
      : Promise.resolve(go?.()).then((result) => ({ result }));
  work
    .then((told) => process.send?.(told))
    .catch((cause: unknown) => process.send?.({ fault: cause instanceof Error ? cause.stack : String(cause) }));
});
// Whoever started this process has ended: so does it.
process.on('disconnect', () => process.exit(0));

function prepared(job: HerdJob): () => Promise<HerdResult> {
  const part = herdPart(job);
  const { pooledConnections } = job;
  const lives =
    pooledConnections === undefined
      ? Array.from({ length: job.count }, (_, index) => aloneLife(index, job, part))
      : Array.from({ length: pooledConnections }, (_, lane) => () => pooledLife(lane, job, part));
  return async () => {
    part.begin();
    const telling = setInterval(() => process.stderr.write(`${part.progress()}\n`), PROGRESS_MS);
    await Promise.all(lives.map((live) => live()));
    clearInterval(telling);
    for (const socket of kept) socket.destroy();
    return part.result();
  };
}

const kept: Socket[] = [];
/** Of this process: what it has to say for itself when an answer is late. */
const turns = loopTurns();

interface Connection {
  readonly socket: Socket;
  readonly exchange: Exchange;
}

/** One connection of a pool, over which devices come one after the other. */
async function pooledLife(lane: number, job: HerdJob, part: HerdPart): Promise<void> {
  const { port = 0 } = job.gateways[lane % job.gateways.length] ?? {};
  let connection: Connection | undefined;
  while (!part.isOver()) {
    const index = part.next();
    if (index === undefined) {
      await elapse(LOOK_MS);
      continue;
    }
    try {
      // The server ends what was idle for a minute: as an agent does, a device then opens another.
      if (connection?.socket.destroyed === true) connection = undefined;
      connection ??= connectionOn(await opened(connectTcp({ host: '127.0.0.1', port, localAddress: addressOf(lane) })));
    } catch (cause) {
      part.failed(index, cause);
      continue;
    }
    if (await part.visit(index, connection.exchange)) continue;
    connection.socket.destroy();
    connection = undefined;
  }
  connection?.socket.destroy();
}

/** A device on a connection of its own by mutual TLS, set up anew whenever it was lost, and kept until the herd is over. */
function aloneLife(index: number, job: HerdJob, part: HerdPart): () => Promise<void> {
  const { seed, first, ca } = job;
  const deviceId = herdDeviceId(first + index);
  const issuer = {
    name: Buffer.from(ca.issuer, 'base64'),
    key: createPrivateKey(ca.issuingKey),
    nowMs: wallClock().now(),
  };
  const cert = herdCertificate({ deviceId, seed, number: first + index }, issuer);
  const key = herdKey(seed, first + index).export({ format: 'pem', type: 'pkcs8' });
  const { tlsPort = 0 } = job.gateways[index % job.gateways.length] ?? {};

  async function open(): Promise<Connection> {
    const began = performance.now();
    const plain = await opened(connectTcp({ host: '127.0.0.1', port: tlsPort, localAddress: addressOf(index) }));
    const socket = connectTls({
      socket: plain,
      servername: 'localhost',
      ca: ca.roots,
      cert,
      key,
      minVersion: 'TLSv1.3',
      checkServerIdentity: () => undefined,
    });
    await opened(socket, 'secureConnect');
    part.noteSetUp(performance.now() - began);
    return connectionOn(socket);
  }

  return async () => {
    let connection: Connection | undefined;
    let isAnswered = false;
    while (!part.isOver() && !isAnswered) {
      await elapse(part.untilDueMs(index));
      if (part.isOver()) break;
      try {
        if (connection === undefined || connection.socket.destroyed) connection = await open();
      } catch (cause) {
        part.failed(index, cause);
        continue;
      }
      if (!(await part.visit(index, connection.exchange))) {
        connection.socket.destroy();
        connection = undefined;
      }
      isAnswered = part.isDone(index);
    }
    // An answered device keeps its connection, as devices do, until the herd is over.
    if (connection !== undefined) kept.push(connection.socket);
  };
}

function connectionOn(socket: Socket): Connection {
  return { socket, exchange: exchanger(socket, { limitMs: SILENCE_MAX_MS, turns }) };
}

function addressOf(number: number): string {
  return `127.0.1.${1 + (number % ADDRESSES)}`;
}

function opened<S extends Socket>(socket: S, event = 'connect'): Promise<S> {
  return new Promise((resolve, reject) => {
    socket.setNoDelay(true);
    const fail = (cause?: Error) => {
      clearTimeout(limit);
      socket.destroy();
      reject(cause ?? new Error('The connection was closed before it was set up'));
    };
    const limit = setTimeout(() => fail(new Error(`No connection in ${SILENCE_MAX_MS} ms`)), SILENCE_MAX_MS);
    const onClose = () => fail();
    socket.once('error', fail);
    socket.once('close', onClose);
    socket.once(event, () => {
      clearTimeout(limit);
      socket.off('error', fail);
      socket.off('close', onClose);
      resolve(socket);
    });
  });
}

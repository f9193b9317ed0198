// SPDX-License-Identifier: Apache-2.0
import { connect, type Socket } from 'node:net';
import process from 'node:process';
import { setTimeout as elapse } from 'node:timers/promises';
import { DEVICE_HEADER, requestText, SIGNATURE_HEADER } from '@outrider/protocol/gateway/request-signature';
import { WAKE_PATH } from '@outrider/protocol/gateway/wake';
import { herdDeviceId, herdKey, signatureOfText } from '../../scenarios/herd/herd-device.ts';

/** What the parent asks this process for: so many devices that listen, each over a connection of its own. */
export interface ListenJob {
  /** Over WebSockets, or by requests that the server holds back. */
  readonly manner: 'websocket' | 'held-request';
  readonly seed: string;
  readonly first: number;
  readonly count: number;
  readonly port: number;
}

/** Told to the parent: all listen; and for each call in turn when it was heard, by the clock on the wall. */
export type Told = { readonly kind: 'listening' } | { readonly kind: 'heard'; readonly atMs: readonly number[] };

/** New connections a second: what a gateway with nothing else to do takes. */
const PER_TURN = 25;
const TURN_MS = 50;
const ADDRESSES = 200;
/** What nobody hears within this time nobody hears. */
const HEARD_WITHIN_MS = 60_000;

const sockets: Socket[] = [];
let heard: number[] = [];
let expected = 0;

process.on('message', (job: ListenJob | 'count') => {
  const work = job === 'count' ? count() : listen(job);
  work
    .then((told) => process.send?.(told))
    .catch((cause: unknown) => process.send?.({ fault: cause instanceof Error ? cause.stack : String(cause) }));
});
process.on('disconnect', () => process.exit(0));

async function listen({ manner, seed, first, count: many, port }: ListenJob): Promise<Told> {
  expected = many;
  for (let number = first; number < first + many; number += PER_TURN) {
    const some = Array.from({ length: Math.min(PER_TURN, first + many - number) }, (_, index) => number + index);
    await Promise.all(some.map((one) => open(one, { manner, seed, port })));
    await elapse(TURN_MS);
  }
  return { kind: 'listening' };
}

/** From the order on: calls that come, until all have been called or it is over. */
async function count(): Promise<Told> {
  heard = [];
  const began = performance.now();
  process.send?.({ kind: 'counting' });
  while (heard.length < expected && performance.now() - began < HEARD_WITHIN_MS) await elapse(20);
  return { kind: 'heard', atMs: heard };
}

function open(number: number, { manner, seed, port }: Pick<ListenJob, 'manner' | 'seed' | 'port'>): Promise<void> {
  const deviceId = herdDeviceId(number);
  const signature = signatureOfText(herdKey(seed, number), requestText({ method: 'GET', path: WAKE_PATH, body: '' }));
  const upgrade =
    manner === 'held-request'
      ? ''
      : 'connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n';
  const request =
    `GET ${WAKE_PATH} HTTP/1.1\r\nhost: updates.example.com\r\n${upgrade}` +
    `${DEVICE_HEADER}: ${deviceId}\r\n${SIGNATURE_HEADER}: ${signature}\r\n\r\n`;
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, localAddress: `127.0.2.${1 + (number % ADDRESSES)}` });
    sockets.push(socket);
    let isOpen = false;
    let text = '';
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`The connection of ${deviceId} was closed`)));
    socket.on('connect', () =>
      socket.write(request, () => {
        // Nothing comes back to a request that is held, until there is a call.
        isOpen = manner === 'held-request';
        if (isOpen) resolve();
      }),
    );
    socket.on('data', (bytes) => {
      if (isOpen && manner === 'held-request') {
        text += bytes.toString('latin1');
        // Head and body may come in two pieces.
        if (!text.endsWith('}')) return;
        if (text.includes('"check-in"')) heard.push(Date.now());
        else if (!text.includes('"nothing"')) return reject(new Error(text.slice(0, 300)));
        text = '';
        // As an agent does: the server has said that there was nothing, or has called, and is asked again.
        socket.write(request);
        return;
      }
      if (isOpen) {
        // A frame of text that is not in pieces: 0x81, its length, the call.
        if (bytes[0] === 0x81) heard.push(Date.now());
        return;
      }
      text = bytes.toString('latin1');
      if (!text.startsWith('HTTP/1.1 101')) return reject(new Error(text.slice(0, 300)));
      isOpen = true;
      resolve();
    });
  });
}

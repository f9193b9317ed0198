// SPDX-License-Identifier: Apache-2.0
import { connect } from 'node:net';
import { setTimeout as elapse } from 'node:timers/promises';
import type { Measured } from './processes.ts';
import { permitRequest, type RolloutNamed, SEQUENCE_OF_FLEET } from './requests.ts';

/** A camera: it asks with the sequence that it has, so that it stays what the load of later finds. */
const DEVICE = 500;
const POLL_MS = 1;
const LIMIT_MS = 30_000;

/** Resolves when the gateway decides by the rollout whether a device gets its permit, and no longer says that there is none. */
export async function untilInForce({ name, where }: Measured, rollout: RolloutNamed): Promise<void> {
  const began = performance.now();
  let answer = '';
  while (performance.now() - began < LIMIT_MS) {
    answer = await asked(where, permitRequest(DEVICE, SEQUENCE_OF_FLEET, rollout));
    if (!answer.includes('"no-offer"')) return;
    await elapse(POLL_MS);
  }
  throw new Error(`The rollout ${rollout.rolloutId} did not come into force at ${name}; the last answer: ${answer}`);
}

/** The body of the answer. */
function asked(where: Measured['where'], request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(where);
    let text = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      text += chunk;
      const head = text.indexOf('\r\n\r\n');
      const length = Number(/content-length: (\d+)/i.exec(text.slice(0, head))?.[1]);
      if (head === -1 || text.length < head + 4 + length) return;
      socket.destroy();
      resolve(text.slice(head + 4));
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('The server closed a connection')));
    socket.write(request, 'latin1');
  });
}

// SPDX-License-Identifier: Apache-2.0
import { setTimeout as elapse } from 'node:timers/promises';
import { exchanges, opened } from './exchange.ts';
import type { Measured } from './processes.ts';
import { permitRequest, type RolloutNamed, SEQUENCE_OF_FLEET } from './requests.ts';

/** A camera: it asks with the sequence that it has, so that it stays what the load of later finds. */
const DEVICE = 500;
const POLL_MS = 1;
const LIMIT_MS = 30_000;

/** Resolves when the gateway decides by the rollout whether a device gets its permit, and no longer says that there is none. */
export async function untilInForce({ name, where }: Measured, rollout: RolloutNamed): Promise<void> {
  const began = performance.now();
  const socket = await opened(where);
  const exchange = exchanges(socket);
  let answer = '';
  try {
    while (performance.now() - began < LIMIT_MS) {
      answer = (await exchange(permitRequest(DEVICE, SEQUENCE_OF_FLEET, rollout))).body;
      if (!answer.includes('"no-offer"')) return;
      await elapse(POLL_MS);
    }
  } finally {
    socket.destroy();
  }
  throw new Error(`The rollout ${rollout.rolloutId} did not come into force at ${name}; the last answer: ${answer}`);
}

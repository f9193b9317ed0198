// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { wallClock } from '@outrider/adapters/shared/clock';
import { durationMs } from '@outrider/domain/kernel/time';
import { memoryStore } from '@outrider/testkit/memory-store';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';
import { terminatorContract } from './terminator-rehearsal.ts';
import { listenWithTls } from './tls-listener.ts';

/** Longer than a handshake takes on a machine that does much else. */
const HANDSHAKE_MS = durationMs(5_000);

terminatorContract('node:tls', {
  stores: { store: memoryStore(), blobs: memoryBlobs() },
  unknownCa: 'answer',
  cutAfterMs: HANDSHAKE_MS,
  async open({ server, files, wakes, ports: { log } }) {
    const place = { host: '127.0.0.1', port: 0, clock: wallClock(), log };
    const options = { schedule: { after: () => () => {} }, handshakeMs: HANDSHAKE_MS };
    const listening = await listenWithTls({ server, files, wakes, ...place, ...options });
    assert.ok(listening.ok);
    return { port: Number(new URL(listening.value.url).port), close: listening.value.close };
  },
});

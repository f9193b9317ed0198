// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { listenToTerminator } from '@outrider/server/http/terminator-listener';
import { terminatorContract } from '@outrider/server/http/terminator-rehearsal';
import { memoryStore } from '@outrider/testkit/memory-store';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';
import { fetchHaproxy, startHaproxy } from './haproxy/start-haproxy.ts';

const folder = await mkdtemp(join(tmpdir(), 'outrider-haproxy-'));
after(() => rm(folder, { recursive: true, force: true }));
const haproxy = await fetchHaproxy(folder);

/** Debian's own HAProxy does all that the listener inside the server does. */
terminatorContract("Debian's HAProxy", {
  stores: { store: memoryStore(), blobs: memoryBlobs() },
  unknownCa: 'handshake',
  async open({ server, files, ports: { log }, folder: own }) {
    await mkdir(own, { recursive: true });
    const path = join(own, 'gateway.sock');
    const gateway = await listenToTerminator({ server, path, schedule: { after: () => () => {} }, log });
    assert.ok(gateway.ok);
    const running = await startHaproxy(haproxy, { folder: join(own, 'haproxy'), files, gatewaySocket: path });
    return {
      port: running.port,
      async close() {
        await running.close();
        await gateway.value.close();
      },
    };
  },
});

// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { listenToTerminator } from '@outrider/server/http/terminator-listener';
import { terminatorContract } from '@outrider/server/http/terminator-rehearsal';
import { memoryStore } from '@outrider/testkit/memory-store';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';
import { fetchEnvoy, startEnvoy } from './envoy/start-envoy.ts';

const program = await fetchEnvoy();

/** Envoy, with BoringSSL, does all that the listener inside the server does. */
terminatorContract('Envoy', {
  stores: { store: memoryStore(), blobs: memoryBlobs() },
  unknownCa: 'handshake',
  async open({ server, files, ports: { log }, folder: own }) {
    await mkdir(own, { recursive: true });
    const path = join(own, 'gateway.sock');
    const gateway = await listenToTerminator({ server, path, schedule: { after: () => () => {} }, log });
    assert.ok(gateway.ok);
    const running = await startEnvoy(program, { folder: join(own, 'envoy'), files, gatewaySocket: path });
    return {
      port: running.port,
      async close() {
        await running.close();
        await gateway.value.close();
      },
    };
  },
});

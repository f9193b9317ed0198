// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { CaFiles } from '@outrider/adapters/server/ca/ca-folder';
import { listenToTerminator } from '@outrider/server/http/terminator-listener';
import { terminatorContract } from '@outrider/server/http/terminator-rehearsal';
import { memoryStore } from '@outrider/testkit/memory-store';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';
import type { ListeningProgram } from './listening-program.ts';

/** Where a terminator finds what it needs. */
export interface TerminatorWorld {
  readonly folder: string;
  readonly files: CaFiles;
  readonly gatewaySocket: string;
  readonly log?: (line: string) => void;
}

/** A terminator of somebody else's, started in front of a gateway, does all that the listener inside the server does. */
export function terminatorInFront(
  { name, cutAfterMs }: { readonly name: string; readonly cutAfterMs: number },
  start: (world: TerminatorWorld) => Promise<ListeningProgram>,
): void {
  terminatorContract(name, {
    stores: { store: memoryStore(), blobs: memoryBlobs() },
    unknownCa: 'handshake',
    cutAfterMs,
    async open({ server, files, wakes, ports: { log }, folder: own }) {
      await mkdir(own, { recursive: true });
      const path = join(own, 'gateway.sock');
      const gateway = await listenToTerminator({ server, path, wakes, schedule: { after: () => () => {} }, log });
      assert.ok(gateway.ok);
      const running = await start({ folder: join(own, 'terminator'), files, gatewaySocket: path });
      return {
        port: running.port,
        async close() {
          await running.close();
          await gateway.value.close();
        },
      };
    },
  });
}

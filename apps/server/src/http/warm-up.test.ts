// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { memoryStore } from '@outrider/testkit/memory-store';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';
import { rehearse, SOON } from '../rehearsal.ts';

test('a gateway that makes itself ready for check-ins notes, counts and registers nobody', async () => {
  const store = memoryStore();
  const { server } = rehearse({ store, blobs: memoryBlobs(), schedule: SOON });
  await server.drain();
  const before = server.recorder.counters.read();
  await server.warmUp();
  assert.deepEqual(await server.drain(), { handled: 0 });
  assert.deepEqual(server.recorder.counters.read(), before);
  assert.deepEqual(await store.registry.loadDevices(['outrider-warm-up-0' as DeviceId]), []);
});

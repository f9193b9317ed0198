// SPDX-License-Identifier: Apache-2.0
import { prng } from '@outrider/domain/kernel/prng';
import { blobsContract } from './contracts/blobs.ts';
import { serverStoreContract } from './contracts/server-store.ts';
import { memoryBlobs } from './memory-store/blobs.ts';
import { memoryStore } from './memory-store.ts';
import { createTurns } from './turns.ts';
import { yieldingStore } from './yielding-store.ts';

serverStoreContract('memory', async () => memoryStore());
serverStoreContract('memory that yields at every call', async () =>
  yieldingStore(memoryStore(), createTurns(prng('contract of the yielding store'))),
);
blobsContract('memory', async () => memoryBlobs());

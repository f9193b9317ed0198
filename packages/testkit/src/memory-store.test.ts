// SPDX-License-Identifier: Apache-2.0
import { blobsContract } from './contracts/blobs.ts';
import { serverStoreContract } from './contracts/server-store.ts';
import { memoryBlobs } from './memory-store/blobs.ts';
import { memoryStore } from './memory-store.ts';

serverStoreContract('memory', async () => memoryStore());
blobsContract('memory', async () => memoryBlobs());

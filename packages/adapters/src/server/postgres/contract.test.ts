// SPDX-License-Identifier: Apache-2.0
import { after } from 'node:test';
import { serverStoreContract } from '@outrider/testkit/contracts/server-store';
import { startPostgresForTests } from './postgres-for-tests.ts';
import { openPostgresStore } from './store.ts';

const server = await startPostgresForTests();
after(() => server.remove());

serverStoreContract('PostgreSQL', async () => await openPostgresStore({ connection: await server.createDatabase() }));

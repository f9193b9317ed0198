// SPDX-License-Identifier: Apache-2.0
import { after } from 'node:test';
import { policyNoticesContract } from '@outrider/testkit/contracts/policy-notices';
import { execute, startPostgresForTests } from '../postgres/postgres-for-tests.ts';
import { postgresNotices } from './postgres-notices.ts';

const server = await startPostgresForTests();
after(() => server.remove());

policyNoticesContract('PostgreSQL', async () => {
  const connection = await server.createDatabase();
  return {
    open: () => postgresNotices(connection),
    async cut() {
      const theirs = `datname = '${connection.database}' and pid <> pg_backend_pid()`;
      await execute(connection, `select pg_terminate_backend(pid) from pg_stat_activity where ${theirs}`);
    },
  };
});

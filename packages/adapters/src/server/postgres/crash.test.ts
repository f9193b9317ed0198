// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import process from 'node:process';
import { after, test } from 'node:test';
import { StoreAwayError } from '@outrider/domain/decision/store-away';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import {
  appendEvent,
  codesOf,
  exposureOf,
  proposal,
  ROLLOUT,
  revisionOf,
  signedReport,
  startRollout,
} from '@outrider/testkit/contracts/store-fixtures';
import { useStore } from '@outrider/testkit/contracts/use-store';
import { delay } from '../../shared/delay.ts';
import { startEmbeddedPostgres } from '../embedded-postgres.ts';
import type { PostgresConnection } from './connection.ts';
import { execute, startPostgresForTests } from './postgres-for-tests.ts';
import { openPostgresStore } from './store.ts';

const server = await startPostgresForTests();
let postgres = server.postgres;
after(async () => {
  await postgres.stop();
  await server.remove();
});

test('no acknowledged permit or report is lost when PostgreSQL is killed while they stream in, and caps hold', async () => {
  const connection = await server.createDatabase();
  await useStore(
    () => openPostgresStore({ connection }),
    async (store) => {
      await startRollout(store, exposureOf(ROLLOUT, 100_000));
      const acknowledged = { permits: new Set<DeviceId>(), reports: new Set<DeviceId>() };
      let isOver = false;
      async function devices(lane: number) {
        for (let number = lane; !isOver; number += LANES) {
          const { deviceId } = proposal(number).row;
          const commits = await untilBack(
            () => store.ledger.commitPermits([proposal(number)]),
            () => isOver,
          );
          if (commits !== undefined) acknowledged.permits.add(deviceId);
          const report = signedReport(number, 'verified');
          if (
            await untilBack(
              () => store.reports.appendReports([report]),
              () => isOver,
            )
          )
            acknowledged.reports.add(deviceId);
        }
      }
      const lanes = Array.from({ length: LANES }, (_, lane) => devices(lane));
      for (let round = 0; round < KILLS; round++) {
        await delay(STREAM_MS);
        await kill(round, connection);
      }
      await delay(STREAM_MS);
      isOver = true;
      await Promise.all(lanes);

      const rows = await store.ledger.loadRows(ROLLOUT, { afterPosition: 0, limit: 1_000_000 });
      const held = new Set(rows.map((one) => one.row.deviceId));
      const verified = new Set(rows.filter((one) => one.verifiedAt !== undefined).map((one) => one.row.deviceId));
      assert.ok(acknowledged.permits.size > LANES, 'permits came through between the kills');
      assert.deepEqual(
        [...acknowledged.permits].filter((one) => !held.has(one)),
        [],
        'acknowledged permits without a row',
      );
      assert.deepEqual(
        [...acknowledged.reports].filter((one) => !verified.has(one)),
        [],
        'acknowledged reports without an outcome',
      );
      const exposure = await store.exposures.loadExposure(ROLLOUT);
      assert.equal(exposure?.granted, rows.length);
      assert.equal(
        exposure.segments.reduce((sum, one) => sum + one.granted, 0),
        rows.length,
      );
    },
  );
});

test('while PostgreSQL is away every port says so by name, and goes on by itself when it is back', async () => {
  const connection = await server.createDatabase();
  await useStore(
    () => openPostgresStore({ connection }),
    async (store) => {
      await startRollout(store, exposureOf(ROLLOUT, 10));
      await postgres.stop();
      const calls: readonly (() => Promise<unknown>)[] = [
        () => store.registry.listDevices({ limit: 1 }),
        () => store.ledger.commitPermits([proposal(1)]),
        () => store.reports.appendReports([signedReport(1, 'verified')]),
        () => store.policyLog.loadEntries(revisionOf(0)),
        () => appendEvent(store, 'pause'),
        () => store.exposures.loadExposures(),
        () => store.catalogue.listReleases(),
        () => store.deltas.loadDeltasTo([]),
        () => store.decisions.loadLatestEvidence(ROLLOUT),
        () => store.installation.loadSetting('any'),
      ];
      for (const call of calls) await assert.rejects(call, StoreAwayError);
      postgres = await startAgain();
      const commits = await untilBack(
        () => store.ledger.commitPermits([proposal(1)]),
        () => false,
      );
      assert.deepEqual(codesOf(commits ?? []), ['committed']);
    },
  );
});

test('a PostgreSQL that is frozen is away before a device gives up, and a permit asked for again is given once', async () => {
  const connection = await server.createDatabase();
  await useStore(
    () => openPostgresStore({ connection }),
    async (store) => {
      await startRollout(store, exposureOf(ROLLOUT, 10));
      // The first process, and those behind the connections that are open.
      const frozen = [postgres.pid, ...(await backendsOf(connection))];
      for (const pid of frozen) process.kill(pid, 'SIGSTOP');
      const askedAt = performance.now();
      try {
        await assert.rejects(store.ledger.commitPermits([proposal(1)]), StoreAwayError);
        assert.ok(performance.now() - askedAt < 30_000, 'a device waits thirty seconds');
      } finally {
        for (const pid of frozen) process.kill(pid, 'SIGCONT');
      }
      const commits = await untilBack(
        () => store.ledger.commitPermits([proposal(1)]),
        () => false,
      );
      assert.deepEqual(codesOf(commits ?? []), ['committed']);
      assert.equal((await store.exposures.loadExposure(ROLLOUT))?.granted, 1);
    },
  );
});

test('an address with a wrong password or database is told as a store that is away', async () => {
  const { connection } = postgres;
  for (const wrong of [{ password: 'a guess' }, { database: 'elsewhere' }, { port: 1 }]) {
    await assert.rejects(openPostgresStore({ connection: { ...connection, ...wrong } }), StoreAwayError);
  }
});

test('a program that is older than the schema of the database refuses to start', async () => {
  const connection = await server.createDatabase();
  await execute(connection, 'insert into schema_migration (version) values (999)');
  await assert.rejects(openPostgresStore({ connection }), { code: 'schema-newer' });
});

test('the database itself refuses to change what is append-only, and to let a grant pass its cap', async () => {
  const connection = await server.createDatabase();
  await useStore(
    () => openPostgresStore({ connection }),
    async (store) => {
      await startRollout(store, exposureOf(ROLLOUT, 1));
      await store.ledger.commitPermits([proposal(1)]);
      await store.reports.appendReports([signedReport(1, 'verified')]);
    },
  );
  for (const table of ['policy_log', 'ledger', 'report', 'decision', 'delta']) {
    await assert.rejects(execute(connection, `delete from ${table}`), /append-only/, `delete from ${table}`);
    await assert.rejects(execute(connection, `truncate ${table} cascade`), /append-only/, `truncate ${table}`);
  }
  await assert.rejects(execute(connection, 'update ledger set granted_at = 0'), /append-only/);
  await assert.rejects(execute(connection, `update policy_log set author = 'nobody'`), /append-only/);
  await assert.rejects(execute(connection, 'delete from release'), /append-only/);
  await assert.rejects(execute(connection, 'update exposure set granted = 2'), /granted_within_cap/);
  await assert.rejects(execute(connection, 'update exposure_segment set granted = 2'), /granted_within_cap/);
});

const LANES = 4;
/** One backend, then the whole PostgreSQL, and again. */
const KILLS = 4;
const STREAM_MS = 150;

async function kill(round: number, connection: PostgresConnection): Promise<void> {
  if (round % 2 === 0) {
    const [pid] = await backendsOf(connection);
    assert.ok(pid !== undefined, 'a connection is open');
    process.kill(pid, 'SIGKILL');
    return;
  }
  process.kill(postgres.pid, 'SIGKILL');
  await postgres.killed;
  postgres = await startAgain();
}

/** The processes of PostgreSQL that serve our store's connections. */
async function backendsOf({ database, ...connection }: PostgresConnection): Promise<readonly number[]> {
  const backends = `select pid from pg_stat_activity where application_name like 'outrider schema %' and datname = '${database}'`;
  const rows = await execute({ ...connection, database }, backends);
  return rows.map((row) => {
    assert.ok(typeof row === 'object' && row !== null && 'pid' in row && typeof row.pid === 'number');
    return row.pid;
  });
}

/** On the same port, as the server does: open stores find it again. */
async function startAgain() {
  const { port } = server.postgres.connection;
  return await startEmbeddedPostgres({ dataFolder: server.dataFolder, log: () => {}, port });
}

/** The answer, asked for again while the store is away; undefined when it is given up. */
async function untilBack<T>(call: () => Promise<T>, isGivenUp: () => boolean): Promise<T | undefined> {
  for (;;) {
    try {
      return await call();
    } catch (cause) {
      if (!(cause instanceof StoreAwayError)) throw cause;
      if (isGivenUp()) return undefined;
      await delay(20);
    }
  }
}

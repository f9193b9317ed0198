// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { PostgresConnection } from '@outrider/adapters/server/postgres/connection';
import { execute, startPostgresForTests } from '@outrider/adapters/server/postgres/postgres-for-tests';
import { openPostgresStore } from '@outrider/adapters/server/postgres/store';
import { permitIdOf } from '@outrider/domain/gateway/permit-id';
import { encodeCheckIn } from '@outrider/protocol/gateway/check-in';
import { encodePermitRequest } from '@outrider/protocol/gateway/permit';
import { encodeRegistration } from '@outrider/protocol/gateway/registration';
import { encodeReport } from '@outrider/protocol/gateway/report';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';
import {
  manifestOf,
  planOf,
  REGISTRATION_TOKEN,
  type Rehearsal,
  rehearse,
  SOON,
  signed,
  signerOf,
  startRollout,
} from '../rehearsal.ts';
import { type RehearsedDevice, rehearsedDevice } from '../rehearsed-device.ts';

const postgres = await startPostgresForTests();
const ADMIN: PostgresConnection = { ...postgres.postgres.connection, database: 'postgres' };
const closing: (() => Promise<void>)[] = [];
after(async () => {
  for (const close of closing) await close();
  await postgres.remove();
});

/** Each fault as it is made in the database, the reason that devices are told, and how it is mended. */
const FAULTS: readonly {
  readonly claim: string;
  readonly reason: string;
  make(connection: PostgresConnection): Promise<() => Promise<void>>;
}[] = [
  {
    claim: 'a database that takes no writes',
    reason: 'read-only',
    async make(connection) {
      const { database } = connection;
      const setting = 'default_transaction_read_only';
      await execute(ADMIN, `alter database ${database} set ${setting} = on`);
      await cut(connection);
      return async () => {
        await execute(ADMIN, `alter database ${database} reset ${setting}`);
        await cut(connection);
      };
    },
  },
  {
    claim: 'a database that lets nobody connect any more',
    reason: 'connections-exhausted',
    async make(connection) {
      await execute(ADMIN, 'alter role crowded connection limit 0');
      await cut(connection);
      return async () => void (await execute(ADMIN, 'alter role crowded connection limit -1'));
    },
  },
];

for (const { claim, reason, make } of FAULTS) {
  test(`${claim}: check-ins are answered, nothing is given out, all else says ${reason} and when to come again`, async () => {
    const connection = await asOrdinaryRole(await postgres.createDatabase());
    const store = await openPostgresStore({ connection });
    closing.push(() => store.close());
    const stage = await onStage(rehearse({ store, blobs: memoryBlobs(), schedule: SOON }));
    const mend = await make(connection);
    await stage.settle(reason);

    const checkIn = await stage.send('/v1/check-in', checkInOf(stage.device));
    assert.equal(checkIn.status, 200);
    assert.match(checkIn.body, /"kind":"(offer|refusal)"/);
    const permit = await stage.send('/v1/permit', permitRequestOf(stage));
    assert.equal(permit.status, 200);
    assert.match(permit.body, /"kind":"not-yet".*"store-away"|"store-away".*"kind":"not-yet"/);
    for (const answer of [await stage.send('/v1/report', reportOf(stage)), await stage.register('camera-new')]) {
      assert.equal(answer.status, 503, answer.body);
      const problem = JSON.parse(answer.body);
      assert.deepEqual([problem.code, problem.reason], ['store-away', reason]);
      assert.ok(Number(answer.retryAfter) >= 5, 'when to come again');
    }

    await mend();
    await stage.settle('nothing');
    const given = await stage.send('/v1/permit', permitRequestOf(stage));
    assert.match(given.body, /"kind":"permit"/);
    const { exposure } = await stage.view();
    assert.equal(exposure?.granted, 1, 'what was not given is not counted');
    await stage.rehearsal.server.close();
  });
}

interface Stage {
  readonly rehearsal: Rehearsal;
  readonly device: RehearsedDevice;
  readonly plan: ReturnType<typeof planOf>;
  send(path: string, body: string): Promise<Answer>;
  register(deviceId: string): Promise<Answer>;
  /** Until a registration that was made before is answered as it is in this state: broken connections have been noticed. */
  settle(reason: string): Promise<void>;
  view(): Promise<{ readonly exposure?: { readonly granted: number } }>;
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly retryAfter: string | undefined;
}

async function onStage(rehearsal: Rehearsal): Promise<Stage> {
  const { server } = rehearsal;
  const former = await manifestOf(server, '1.0.0');
  const newer = await manifestOf(server, '1.1.0', former);
  for (const manifest of [former, newer]) assert.ok((await server.releases.publish(signed(manifest))).ok);
  async function handle(request: Parameters<typeof server.handleDevice>[0]): Promise<Answer> {
    const { status, body, headers } = await server.handleDevice(request);
    assert.equal(typeof body, 'string');
    return { status, body: String(body), retryAfter: headers['retry-after'] };
  }
  const camera = (deviceId: string) =>
    rehearsedDevice({
      deviceId,
      hardwareId: 'rev-a',
      tags: ['dogfood'],
      factory: former,
      isHealthy: () => true,
      send: handle,
    });
  const device = camera('camera-1');
  assert.equal((await device.register()).status, 201);
  const plan = planOf(newer);
  await startRollout(server, plan);
  await rehearsal.step();
  await device.checkIn();
  const register = (deviceId: string) => {
    const one = camera(deviceId);
    const { publicKey } = signerOf(deviceId);
    const attributes = {
      deviceType: 'camera',
      model: 'c1',
      hardwareId: 'rev-a',
      region: 'north',
      customer: 'acme',
      carrier: 'one',
      tags: [],
    };
    const body = { token: REGISTRATION_TOKEN, deviceId: one.deviceId, publicKey, attributes, running: one.running() };
    return handle(one.signedRequest('/v1/register', encodeRegistration(body)));
  };
  return {
    rehearsal,
    device,
    plan,
    send: (path, body) => handle(device.signedRequest(path, body)),
    register,
    async settle(reason) {
      for (let tries = 1; ; tries++) {
        const { status, body } = await register('camera-new');
        if (status === 503 ? JSON.parse(body).reason === reason : reason === 'nothing') return;
        assert.ok(tries < 50, `${reason}, got ${status} ${body}`);
      }
    },
    async view() {
      const view = await server.queries.showRollout(plan.rolloutId);
      assert.ok(view.ok);
      return view.value;
    },
  };
}

let sequence = 1_000;

function checkInOf(device: RehearsedDevice): string {
  return encodeCheckIn({ deviceId: device.deviceId, sequence: ++sequence, running: device.running(), state: 'idle' });
}

function permitRequestOf({ device, plan }: Stage): string {
  const { rolloutId, releaseId } = plan;
  return encodePermitRequest({
    deviceId: device.deviceId,
    sequence: ++sequence,
    rolloutId,
    releaseId,
    isRollback: false,
  });
}

function reportOf({ device, plan }: Stage): string {
  const { rolloutId, releaseId } = plan;
  const { deviceId } = device;
  const permitId = permitIdOf({ rolloutId, deviceId, kind: 'enrolment', enrolment: 1 });
  const running = device.running();
  const event = 'verified' as const;
  return encodeReport({ deviceId, sequence: ++sequence, rolloutId, releaseId, permitId, event, running, detail: '' });
}

/** As on any database that somebody else runs: no superuser, whom no limit stops. */
async function asOrdinaryRole(connection: PostgresConnection): Promise<PostgresConnection> {
  const { database } = connection;
  const create = `do $$ begin create role crowded login password 'for a test'; exception when duplicate_object then null; end $$`;
  await execute(ADMIN, create);
  await execute(
    { ...ADMIN, database },
    `alter database ${database} owner to crowded; grant all on all tables in schema public to crowded;
     grant all on all sequences in schema public to crowded; grant all on schema public to crowded`,
  );
  return { ...connection, user: 'crowded', password: 'for a test' };
}

/** Ends the server's connections, as a restart of the database does. */
async function cut({ database }: PostgresConnection): Promise<void> {
  await execute(
    ADMIN,
    `select pg_terminate_backend(pid, 5000) from pg_stat_activity
     where datname = '${database}' and application_name like 'outrider schema %'`,
  );
}

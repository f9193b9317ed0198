// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { ServerStore } from '@outrider/domain/decision/server-store';
import { parseAuditEntry } from '@outrider/protocol/trust/audit';
import { verdictOn } from '@outrider/testkit/contracts/audit-log';
import { fillStore } from '@outrider/testkit/contracts/store-content';
import { append, at, revisionOf } from '@outrider/testkit/contracts/store-fixtures';
import { useStore } from '@outrider/testkit/contracts/use-store';
import type { PostgresConnection } from './connection.ts';
import { MIGRATIONS } from './migrations.ts';
import { execute, startPostgresForTests } from './postgres-for-tests.ts';
import { migrate } from './schema.ts';
import { openPostgresStore } from './store.ts';

const server = await startPostgresForTests();
after(() => server.remove());

const filled = await server.createDatabase();
await useStore(() => openPostgresStore({ connection: filled }), fillStore);

test('the audit log cannot be changed, also not by a person with the password of the server', async () => {
  for (const statement of [
    `update audit_log set digest = 'x' where sequence = 1`,
    'delete from audit_log where sequence = 1',
    'truncate audit_log',
    `update audit_log set actor = 'nobody' where sequence = 1`,
  ]) {
    await assert.rejects(execute(filled, statement), /append-only|only be updated to DEFAULT/, statement);
  }
});

/** By somebody who may switch triggers off: what no database can refuse its owner. */
const TAMPERED: readonly (readonly [claim: string, statement: string, codes: readonly string[]])[] = [
  [
    'a changed actor',
    `update audit_log set entry = replace(entry, 'build-server', 'nobody') where sequence = 1`,
    ['digest-differs'],
  ],
  [
    'an entry changed together with its digest',
    `update audit_log set entry = replace(entry, 'contract', 'nobody'),
       digest = encode(sha256(convert_to(replace(entry, 'contract', 'nobody'), 'UTF8')), 'hex') where sequence = 4`,
    ['link-broken'],
  ],
  ['a dropped entry', 'delete from audit_log where sequence = 3', ['sequence-broken', 'link-broken', 'entry-missing']],
  [
    'two entries swapped',
    `update audit_log a set entry = b.entry, digest = b.digest from audit_log b
     where (a.sequence, b.sequence) in ((4, 5), (5, 4))`,
    ['sequence-broken', 'link-broken'],
  ],
  ['the last entries cut off', 'delete from audit_log where sequence > 6', ['entry-missing', 'chain-cut-off']],
  [
    'the last entries cut off, and the head set back to what is left',
    `delete from audit_log where sequence > 6;
     update audit_head set sequence = 6, digest = (select digest from audit_log where sequence = 6)`,
    ['entry-missing'],
  ],
  [
    'another reason in the policy log',
    `update policy_log set change = jsonb_set(change, '{reason}', '"x"') where change ? 'reason'`,
    ['document-differs'],
  ],
  ['an entry removed from the policy log', 'delete from policy_log where revision = 2', ['document-missing']],
  [
    'a release changed behind the catalogue',
    `update release set release = jsonb_set(release, '{publishedAt}', '5')`,
    ['document-differs'],
  ],
  ['a withdrawal taken back', 'update release set withdrawn_at = null, withdrawn_reason = null', ['document-missing']],
];

for (const [claim, statement, codes] of TAMPERED) {
  test(`${claim} by SQL is found`, async () => {
    const connection = await server.createDatabase();
    await useStore(
      () => openPostgresStore({ connection }),
      async (store) => {
        await fillStore(store);
        assert.deepEqual((await verdictOn(store)).faults, []);
        const owner = { ...connection, user: server.postgres.connection.user };
        await execute(owner, `${WITHOUT_TRIGGERS}; ${statement}`);
        const found = await verdictOn(store);
        assert.deepEqual([...new Set(found.faults.map((one) => one.code))], codes);
      },
    );
  });
}

const WITHOUT_TRIGGERS = ['audit_log', 'policy_log', 'release']
  .map((name) => `alter table ${name} disable trigger user`)
  .join(';');

test('fifty changes of five servers at once make one chain without a gap', async () => {
  const connection = await server.createDatabase();
  const stores = await Promise.all(
    Array.from({ length: 5 }, () => openPostgresStore({ connection, connectionsMax: 3 })),
  );
  const [first] = stores;
  assert.ok(first !== undefined);
  await Promise.all(
    stores.flatMap((store, index) =>
      Array.from({ length: 10 }, async (_, number) => {
        if (number % 2 === 0) return pauseRegion(store, `${index}-${number}`);
        const note = { actor: `server-${index}`, at: at(0), action: 'token-in-force', subject: `t-${number}` } as const;
        await store.installation.storeSetting(`token-${index}-${number}`, 'x', note);
      }),
    ),
  );
  const verdict = await verdictOn(first);
  assert.deepEqual([verdict.faults, verdict.entries, verdict.compared['policy-entry']], [[], 50, 25]);
  await Promise.all(stores.map((one) => one.close()));
});

/** Of those who write from the same revision one wins, and the others try again. */
async function pauseRegion(store: ServerStore, name: string): Promise<void> {
  for (;;) {
    const entries = await store.policyLog.loadEntries(revisionOf(0));
    const expected = entries.at(-1)?.revision ?? revisionOf(0);
    const change = { kind: 'scope-paused', scope: `region:${name}`, reason: 'a storm' } as const;
    if ((await store.policyLog.appendEntry({ expected, at: at(0), author: name, change })).ok) return;
  }
}

test('what was changed before there was an audit log is brought in, marked, by the first server that keeps one', async () => {
  const connection = await olderDatabase();
  await useStore(
    () => openPostgresStore({ connection }),
    async (store) => {
      const verdict = await verdictOn(store);
      assert.deepEqual(verdict.faults, []);
      assert.equal(verdict.broughtIn, verdict.entries);
      assert.ok(
        verdict.compared['policy-entry'] > 5 && verdict.compared.release === 2 && verdict.compared.withdrawal === 1,
      );
    },
  );
  await useStore(
    () => openPostgresStore({ connection }),
    async (store) => {
      assert.equal((await verdictOn(store)).broughtIn, (await verdictOn(store)).entries, 'once');
    },
  );
});

test('a change by a server of the former version comes into the chain with the next change', async () => {
  const connection = await olderDatabase();
  await useStore(
    () => openPostgresStore({ connection }),
    async (store) => {
      // What such a server does: it knows the policy log and nothing of the chain.
      await execute(
        connection,
        `insert into policy_log (revision, at, author, change)
         select revision + 1, ${at(99)}, 'former', '{"kind": "scope-paused", "scope": "region:west", "reason": "a storm"}'
         from policy_head;
       update policy_head set revision = revision + 1`,
      );
      const missing = await verdictOn(store);
      assert.deepEqual(
        missing.faults.map((one) => one.code),
        ['entry-missing'],
      );
      await append(store, { kind: 'scope-paused', scope: 'region:east', reason: 'a storm' });
      assert.deepEqual((await verdictOn(store)).faults, []);
      const rows = await store.audit.loadEntries({ after: 0, limit: 100, actor: 'former' });
      const [former] = rows.map(({ text }) => parseAuditEntry(text));
      assert.ok(former?.ok);
      assert.deepEqual([former.value.isBroughtIn, former.value.subject], [true, 'region:west']);
    },
  );
});

/** A filled database of before the audit log. */
async function olderDatabase(): Promise<PostgresConnection> {
  const connection = await server.createDatabase();
  await useStore(() => openPostgresStore({ connection }), fillStore);
  const version = MIGRATIONS.findIndex((one) => one.name === '0008-audit');
  // The audit log goes, and what later migrations have added: they run again on it.
  await execute(
    connection,
    `drop table audit_log, audit_head;
     alter table permit_gate drop column halted_regions, drop column rollback_regions;
     drop table decision_lease, registration_token, device_certificate, service_token, person_session, person, ddi_device, version_manifest;
     drop index device_of_key;
     alter table device_profile drop column first_id, drop column last_id;
     alter type profile_change drop attribute first_id, drop attribute last_id;
     delete from schema_migration where version > ${version}`,
  );
  await migrate(connection, { migrations: MIGRATIONS.slice(0, version) });
  return connection;
}

// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type DecisionLease, LeaseLostError } from '@outrider/domain/decision/lease-ports';
import type { ServerStore } from '@outrider/domain/decision/server-store';
import { present } from '@outrider/domain/kernel/assert';
import { at, exposureOf, ROLLOUT, revisionOf, startRollout } from '@outrider/testkit/contracts/store-fixtures';
import { useStore } from '@outrider/testkit/contracts/use-store';
import { delay } from '../../shared/delay.ts';
import { execute, startPostgresForTests } from './postgres-for-tests.ts';
import { openPostgresStore } from './store.ts';

const server = await startPostgresForTests();
after(() => server.remove());

/** Longer than any case takes, unless it waits for the end of a lease. */
const LONG_MS = 600_000;

async function onStore(
  leaseMs: number,
  check: (
    store: ServerStore,
    lease: DecisionLease,
    run: (statement: string) => Promise<readonly unknown[]>,
  ) => Promise<void>,
): Promise<void> {
  const connection = await server.createDatabase();
  await useStore(
    () => openPostgresStore({ connection, leaseMs }),
    (store) => check(store, present(store.lease, 'a lease'), (statement) => execute(connection, statement)),
  );
}

test('of many servers that start at once one decides, and keeps its term by renewing', () =>
  onStore(LONG_MS, async (_, lease) => {
    const terms = await Promise.all(Array.from({ length: 10 }, (_, index) => lease.take(`server-${index}`)));
    const winner = terms.findIndex((term) => term !== undefined);
    assert.equal(terms.filter((term) => term !== undefined).length, 1);
    const term = present(terms[winner], 'the term of the one that has it');
    assert.equal(await lease.take(`server-${winner}`, term), term);
    assert.equal(await lease.take('another'), undefined);
  }));

test('a server that was started again goes on at once, in a term of its own', () =>
  onStore(LONG_MS, async (_, lease) => {
    const first = present(await lease.take('server-a'), 'a term');
    const second = present(await lease.take('server-a'), 'a term after the restart');
    assert.ok(second > first);
    assert.equal(await lease.take('server-a', first), undefined, 'the former process has lost it');
  }));

test('a lease that was given back, or has run out, is free', () =>
  onStore(50, async (_, lease) => {
    const first = present(await lease.take('server-a'), 'a term');
    await lease.release(first);
    const second = present(await lease.take('server-b'), 'a term after the release');
    await lease.release(first);
    assert.equal(await lease.take('server-b', second), second, 'an old term gives nothing back');
    await delay(100);
    assert.ok(present(await lease.take('server-c'), 'a term after the end') > second);
  }));

test('a decider that was frozen until another one took over writes nothing any more: no cap, no change, no decision', () =>
  onStore(LONG_MS, async (store, lease) => {
    await startRollout(store, exposureOf(ROLLOUT, 10));
    const term = present(await lease.take('server-a'), 'a term');
    const frozen = lease.under(term);
    await frozen.exposures.storeExposure(exposureOf(ROLLOUT, 20));
    await lease.release(term);
    present(await lease.take('server-b'), 'the next term');

    await assert.rejects(frozen.exposures.storeExposure(exposureOf(ROLLOUT, 30)), LeaseLostError);
    const change = { kind: 'scope-paused', scope: 'global', reason: 'too late' } as const;
    const expected = revisionOf((await store.policyLog.loadEntries(revisionOf(0))).length);
    const entry = { expected, at: at(9), author: 'decision', change };
    await assert.rejects(frozen.policyLog.appendEntry(entry), LeaseLostError);
    assert.equal((await store.exposures.loadExposure(ROLLOUT))?.cap, 20);
    assert.equal((await store.policyLog.loadEntries(revisionOf(0))).length, expected);
  }));

test('whoever takes over waits for the writing that is under way, and no longer', () =>
  onStore(LONG_MS, async (store, lease, run) => {
    await startRollout(store, exposureOf(ROLLOUT, 10));
    const term = present(await lease.take('server-a'), 'a term');
    // The row that a start locks first stops the writing half-way, after its term was looked at.
    const blocking = run('begin; lock table exposure in exclusive mode; select pg_sleep(0.5); commit');
    await delay(100);
    const writing = lease.under(term).exposures.storeExposure(exposureOf(ROLLOUT, 20));
    await delay(100);
    await lease.release(term);
    const [, next] = await Promise.all([writing, lease.take('server-b')]);
    assert.ok(present(next, 'the next term') > term);
    await blocking;
    assert.equal((await store.exposures.loadExposure(ROLLOUT))?.cap, 20);
  }));

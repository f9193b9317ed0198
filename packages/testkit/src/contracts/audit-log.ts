// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { digestText } from '@outrider/adapters/shared/digest';
import type { ServerStore } from '@outrider/domain/decision/server-store';
import type { AuditEntry, AuditNote } from '@outrider/domain/trust/audit';
import { digestDocument } from '@outrider/domain/trust/audit';
import { type AuditVerdict, auditCheck, documentKey } from '@outrider/domain/trust/audit-check';
import { parseAuditEntry } from '@outrider/protocol/trust/audit';
import { BY, release } from './catalogue.ts';
import { append, appendEvent, at, device, planOf, ROLLOUT, revisionOf } from './store-fixtures.ts';
import { type OpenStore, useStore } from './use-store.ts';

/** What every audit log must do: each change leaves one entry, in the same breath, in one chain. */
export function auditLogContract(adapter: string, open: OpenStore): void {
  describe(`audit log: ${adapter}`, () => {
    test('every change of people leaves one entry that says who, when, what and why', () =>
      useStore(open, async (store) => {
        await changeEverything(store);
        const entries = await entriesOf(store);
        assert.deepEqual(
          entries.map(({ action, actor, subject }) => [action, actor, subject]),
          [
            ['release-published', 'build-server', 'r1'],
            ['rollout-created', 'contract', ROLLOUT],
            ['rollout-approve', 'contract', ROLLOUT],
            ['devices-imported', 'ada', 'camera-000001'],
            ['release-withdrawn', 'build-server', 'r1'],
            ['token-in-force', 'server', 'admin-token'],
            ['clock-accepted', 'grace', 'fleet-clock'],
          ],
        );
        const [published, created, , , withdrawn] = entries;
        assert.deepEqual([published?.at, published?.requestId, published?.revision], [at(0), 'request-1', undefined]);
        assert.deepEqual([created?.revision, created?.document?.kind], [1, 'policy-entry']);
        assert.deepEqual([withdrawn?.reason, withdrawn?.at], ['a bad battery curve', at(5)]);
        await assertIntact(store, entries.length);
      }));

    test('what changes nothing leaves no entry: a refusal, a second withdrawal, the same token, a trial of an import', () =>
      useStore(open, async (store) => {
        await changeEverything(store);
        const before = await store.audit.loadHead();
        assert.ok(!(await store.catalogue.publish(release('r1', '1.0.0', 1), BY)).ok);
        await store.catalogue.withdraw(
          release('r1', '1.0.0', 1).manifest.releaseId,
          { at: at(9), reason: 'again' },
          BY,
        );
        const change = { kind: 'scope-paused', scope: 'global', reason: 'late' } as const;
        const stale = { expected: revisionOf(0), at: at(0), author: 'contract', change };
        assert.ok(!(await store.policyLog.appendEntry(stale)).ok);
        assert.equal(await store.installation.changeSetting('admin-token-digest', 'a', TOKEN), false);
        const context = { now: at(7), author: 'ada' };
        await store.importer.importDevices([LINE], { ...context, isDryRun: false });
        await store.importer.importDevices([{ ...LINE, deviceId: device(2).deviceId }], { ...context, isDryRun: true });
        assert.deepEqual(await store.audit.loadHead(), before);
      }));

    test('entries of an actor, of an action and from an instant on are found, page by page', () =>
      useStore(open, async (store) => {
        await changeEverything(store);
        const all = await store.audit.loadEntries({ after: 0, limit: 100 });
        assert.deepEqual(await store.audit.loadEntries({ after: 2, limit: 3 }), all.slice(2, 5));
        const found = async (where: object) => (await entriesOf(store, where)).map((one) => one.sequence);
        assert.deepEqual(await found({ actor: 'build-server' }), [1, 5]);
        assert.deepEqual(await found({ action: 'devices-imported' }), [4]);
        assert.deepEqual(await found({ since: at(5) }), [4, 5, 7]);
        assert.deepEqual(await found({ actor: 'build-server', since: at(5) }), [5]);
      }));

    test('fifty changes at once make one chain, in which each has its entry', () =>
      useStore(open, async (store) => {
        await Promise.all(
          Array.from({ length: 50 }, (_, number) =>
            number % 2 === 0
              ? store.installation.storeSetting(`setting-${number}`, 'x', { ...TOKEN, subject: `token-${number}` })
              : store.catalogue.publish(forType(number), { actor: `build-${number}` }),
          ),
        );
        const entries = await entriesOf(store);
        assert.equal(new Set(entries.map((one) => one.subject)).size, 50);
        await assertIntact(store, 50);
      }));
  });
}

const TOKEN: AuditNote = { actor: 'server', at: at(0), action: 'token-in-force', subject: 'admin-token' };
const LINE = { deviceId: device(1).deviceId, attributes: device(1).attributes };

async function changeEverything(store: ServerStore): Promise<void> {
  const one = release('r1', '1.0.0', 1);
  assert.ok((await store.catalogue.publish(one, BY)).ok);
  await append(store, { kind: 'rollout-created', plan: planOf(ROLLOUT) });
  await appendEvent(store, 'approve');
  await store.importer.importDevices([LINE], { now: at(7), author: 'ada', isDryRun: false });
  await store.catalogue.withdraw(one.manifest.releaseId, { at: at(5), reason: 'a bad battery curve' }, BY);
  assert.equal(await store.installation.changeSetting('admin-token-digest', 'a', TOKEN), true);
  const note = { actor: 'grace', at: at(8), action: 'clock-accepted', subject: 'fleet-clock', reason: 'NTP' } as const;
  await store.installation.storeSetting('fleet-clock', '{}', note);
}

function forType(number: number) {
  const one = release(`r${number}`, '1.0.0', 1);
  return { ...one, manifest: { ...one.manifest, deviceType: `type-${number}` } };
}

async function entriesOf({ audit }: ServerStore, where: object = {}): Promise<readonly AuditEntry[]> {
  const rows = await audit.loadEntries({ after: 0, limit: 1_000, ...where });
  return rows.map(({ text }) => {
    const parsed = parseAuditEntry(text);
    assert.ok(parsed.ok, text);
    return parsed.value;
  });
}

/** The chain as anyone may verify it, with the policy log and the catalogue beside it. */
export async function verdictOn(store: ServerStore): Promise<AuditVerdict> {
  const check = auditCheck({ digestText, parse: parseAuditEntry });
  check.expectHead(await store.audit.loadHead());
  for (const row of await store.audit.loadEntries({ after: 0, limit: 100_000 })) check.add(row);
  const documents = new Map(
    (await store.policyLog.loadEntries(revisionOf(0))).map((one) => [
      documentKey('policy-entry', one.revision),
      digestDocument(one, digestText),
    ]),
  );
  for (const { withdrawnAt, withdrawnReason, ...published } of await store.catalogue.listReleases()) {
    const { releaseId } = published.manifest;
    documents.set(documentKey('release', releaseId), digestDocument(published, digestText));
    if (withdrawnAt === undefined) continue;
    const mark = { releaseId, withdrawnAt, withdrawnReason };
    documents.set(documentKey('withdrawal', releaseId), digestDocument(mark, digestText));
  }
  check.compare(documents, check.head().sequence);
  return check.finish();
}

async function assertIntact(store: ServerStore, entries: number): Promise<void> {
  const verdict = await verdictOn(store);
  assert.deepEqual([verdict.faults, verdict.entries], [[], entries]);
  assert.deepEqual(verdict.head, await store.audit.loadHead());
}

// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type KeptManifests, VERSION_MANIFEST_TYPE } from '@outrider/domain/gateway/version-manifest';
import type { KeyId, PermitId, ReleaseId, Sha256 } from '@outrider/domain/kernel/ids';
import {
  at,
  device,
  deviceIdOf,
  exposureOf,
  idOf,
  proposal,
  ROLLOUT,
  signedReport,
  startRollout,
} from './store-fixtures.ts';
import { type OpenStore, useStore } from './use-store.ts';

/** What every log of reports must do: each counts once, and only where a ledger row stands for it. */
export function reportLogContract(adapter: string, open: OpenStore): void {
  describe(`reports: ${adapter}`, () => {
    test('each kind of report sets its own instant on the row of its permit', () =>
      useStore(open, async (store) => {
        await startRollout(store, exposureOf(ROLLOUT, 10));
        await store.ledger.commitPermits([1, 2, 3, 4, 5].map((number) => proposal(number)));
        const results = await store.reports.appendReports([
          signedReport(1, 'verified'),
          signedReport(2, 'reverted'),
          signedReport(3, 'install-failed'),
          signedReport(4, 'crash'),
          signedReport(5, 'sensor-fault'),
        ]);
        assert.deepEqual(results, Array(5).fill('counted'));
        const rows = await store.ledger.loadRows(ROLLOUT, { afterPosition: 0, limit: 10 });
        assert.deepEqual(
          rows.map(({ position: _, row: __, ...outcome }) => outcome),
          [
            { verifiedAt: at(5) },
            { revertedAt: at(5) },
            { installFailedAt: at(5) },
            { crashedAt: at(5) },
            { sensorFaultAt: at(5) },
          ],
        );
      }));

    test('a report sent again counts once, in one batch, in two, and in many at once', () =>
      useStore(open, async (store) => {
        await startRollout(store, exposureOf(ROLLOUT, 10));
        await store.ledger.commitPermits([proposal(1), proposal(2)]);
        const first = signedReport(1, 'verified');
        assert.deepEqual(await store.reports.appendReports([first, { ...first, receivedAt: at(6) }]), [
          'counted',
          'duplicate',
        ]);
        assert.deepEqual(await store.reports.appendReports([{ ...first, receivedAt: at(7) }]), ['duplicate']);
        const pair = [signedReport(1, 'crash', { sequence: 2 }), signedReport(2, 'verified')];
        const raced = await Promise.all(
          Array.from({ length: 12 }, (_, index) =>
            store.reports.appendReports(index % 2 === 0 ? pair : pair.toReversed()),
          ),
        );
        assert.equal(raced.flat().filter((result) => result === 'counted').length, 2);
        const stored = await store.reports.loadReports(ROLLOUT, { afterPosition: 0, limit: 10 });
        assert.equal(stored.length, 3);
        const [row] = await store.ledger.loadRows(ROLLOUT, { afterPosition: 0, limit: 1 });
        assert.equal(row?.verifiedAt, at(5));
      }));

    test('the newest manifest that was believed and the newest claim that was not are kept, each by the newest report', () =>
      useStore(open, async (store) => {
        await startRollout(store, exposureOf(ROLLOUT, 10));
        await store.registry.register([device(1), device(2)]);
        assert.equal(await store.reports.loadKeptManifests(deviceIdOf(1)), undefined);
        const told = (sequence: number, kept: KeptManifests) => ({
          ...signedReport(1, 'verified', { sequence }),
          kept,
        });
        await store.reports.appendReports([told(3, believed(3)), signedReport(2, 'verified')]);
        assert.deepEqual(await store.reports.loadKeptManifests(deviceIdOf(1)), believed(3));
        assert.equal(await store.reports.loadKeptManifests(deviceIdOf(2)), undefined);
        await store.reports.appendReports([told(5, DISBELIEVED), told(4, believed(4))]);
        assert.deepEqual(await store.reports.loadKeptManifests(deviceIdOf(1)), { ...believed(4), ...DISBELIEVED });
        const late = [told(2, believed(2)), { ...told(5, believed(9)), receivedAt: at(9) }];
        assert.deepEqual(await store.reports.appendReports(late), ['unmatched', 'duplicate']);
        assert.deepEqual(await store.reports.loadKeptManifests(deviceIdOf(1)), { ...believed(4), ...DISBELIEVED });
      }));

    test('a TPM is enrolled with the manifest, and forgotten once, with an entry in the audit log', () =>
      useStore(open, async ({ registry, reports, audit }) => {
        await registry.register([device(1)]);
        const [deviceId, note] = [deviceIdOf(1), { at: at(6), actor: 'ada', action: 'device-tpm-forgotten' } as const];
        const { manifest } = believed(3);
        assert.ok(manifest !== undefined);
        const pcrs = [{ index: 7, digest: 'e'.repeat(64) as Sha256 }];
        const enrolled = { manifest: { ...manifest, tpm: { publicKey: 'AAAA', pcrs, enrolledAt: at(3) } } };
        assert.equal(await reports.forgetTpm(deviceId, { ...note, subject: deviceId }), false);
        await reports.appendReports([{ ...signedReport(1, 'verified', { sequence: 3 }), kept: enrolled }]);
        assert.deepEqual(await reports.loadKeptManifests(deviceId), enrolled);
        assert.equal(await reports.forgetTpm(deviceId, { ...note, subject: deviceId }), true);
        assert.deepEqual(await reports.loadKeptManifests(deviceId), { manifest });
        assert.equal(await reports.forgetTpm(deviceId, { ...note, subject: deviceId }), false);
        const entries = await audit.loadEntries({ after: 0, limit: 9, action: note.action });
        assert.equal(entries.length, 1);
      }));

    test('the first instant of an outcome stays: a device that crashes daily has crashed once', () =>
      useStore(open, async (store) => {
        await startRollout(store, exposureOf(ROLLOUT, 10));
        await store.ledger.commitPermits([proposal(1)]);
        await store.reports.appendReports([signedReport(1, 'crash', { sequence: 1, minutes: 5 })]);
        const again = await store.reports.appendReports([signedReport(1, 'crash', { sequence: 2, minutes: 9 })]);
        assert.deepEqual(again, ['counted']);
        const [row] = await store.ledger.loadRows(ROLLOUT, { afterPosition: 0, limit: 1 });
        assert.equal(row?.crashedAt, at(5));
      }));

    test('a report that no ledger row stands for is kept and never counted', () =>
      useStore(open, async (store) => {
        await startRollout(store, exposureOf(ROLLOUT, 10));
        await store.ledger.commitPermits([proposal(1)]);
        const otherRelease = signedReport(1, 'reverted', { sequence: 2 });
        const results = await store.reports.appendReports([
          signedReport(1, 'reverted', { sequence: 1, permitId: idOf<PermitId>('a-permit-of-someone-else') }),
          { ...otherRelease, report: { ...otherRelease.report, releaseId: idOf<ReleaseId>('another-release') } },
          signedReport(1, 'reverted', { sequence: 3, permitId: null }),
          signedReport(2, 'reverted'),
          signedReport(2, 'crash', { sequence: 2, permitId: null }),
        ]);
        assert.deepEqual(results, Array(5).fill('unmatched'));
        const [row] = await store.ledger.loadRows(ROLLOUT, { afterPosition: 0, limit: 1 });
        assert.equal(row?.revertedAt, undefined);
        assert.equal((await store.reports.loadReports(ROLLOUT, { afterPosition: 0, limit: 10 })).length, 5);
      }));

    test('a fault of a control, which holds no permit, counts on its newest enrolment', () =>
      useStore(open, async (store) => {
        await startRollout(store, exposureOf(ROLLOUT, 10));
        await store.ledger.commitPermits([
          proposal(1, { arm: 'control' }),
          proposal(1, { arm: 'control', enrolment: 2, piBefore: 0.2, pi: 0.5, piEffective: 0.375 }),
        ]);
        const results = await store.reports.appendReports([signedReport(1, 'crash', { permitId: null })]);
        assert.deepEqual(results, ['counted']);
        const rows = await store.ledger.loadRows(ROLLOUT, { afterPosition: 0, limit: 10 });
        assert.deepEqual(
          rows.map((one) => one.crashedAt),
          [undefined, at(5)],
        );
      }));

    test('reports come back as they were sent, page by page', () =>
      useStore(open, async (store) => {
        await startRollout(store, exposureOf(ROLLOUT, 10));
        const sent = [1, 2, 3].map((number) => signedReport(number, 'verified'));
        await store.reports.appendReports(sent);
        const first = await store.reports.loadReports(ROLLOUT, { afterPosition: 0, limit: 2 });
        const rest = await store.reports.loadReports(ROLLOUT, { afterPosition: first[1]?.position ?? 0, limit: 2 });
        assert.deepEqual(
          [...first, ...rest].map((one) => one.report),
          sent.map((one) => one.report),
        );
      }));

    test('the reports of some devices alone are asked for without reading all others', () =>
      useStore(open, async (store) => {
        await startRollout(store, exposureOf(ROLLOUT, 10));
        await store.ledger.commitPermits([1, 2, 3].map((number) => proposal(number)));
        const sent = [1, 2, 3, 1].map((number, index) => signedReport(number, 'crash', { sequence: index + 1 }));
        await store.reports.appendReports(sent);
        const deviceIds = [deviceIdOf(1), deviceIdOf(3)];
        const first = await store.reports.loadReports(ROLLOUT, { afterPosition: 0, limit: 2, deviceIds });
        const afterPosition = first.at(-1)?.position ?? 0;
        const rest = await store.reports.loadReports(ROLLOUT, { afterPosition, limit: 2, deviceIds });
        assert.deepEqual([first.length, rest.length], [2, 1]);
        assert.deepEqual([...first, ...rest].map((one) => one.report.sequence).sort(), [1, 3, 4]);
      }));
  });
}

const DISBELIEVED: KeptManifests = {
  disbelieved: { code: 'manifest-replayed', sequence: 5, receivedAt: at(5) },
};

function believed(sequence: number): KeptManifests {
  const signature = { keyId: 'a'.repeat(64) as KeyId, signature: `${'A'.repeat(86)}==` };
  const envelope = { payloadType: VERSION_MANIFEST_TYPE, payload: `{"sequence":${sequence}}`, signatures: [signature] };
  return { manifest: { envelope, sequence, receivedAt: at(sequence) } };
}

// SPDX-License-Identifier: Apache-2.0
import type { ServerStore } from '@outrider/domain/decision/server-store';
import { HOUR_MS } from '@outrider/domain/kernel/time';
import { BY, release, withTwin } from './catalogue.ts';
import { decision, decisionInput } from './decision-log.ts';
import { delta } from './delta-store.ts';
import {
  append,
  appendEvent,
  at,
  device,
  deviceIdOf,
  digestOf,
  exposureOf,
  OTHER_ROLLOUT,
  proposal,
  ROLLOUT,
  revisionOf,
  rollbackProposal,
  signedReport,
  startRollout,
} from './store-fixtures.ts';

/** How many cameras `fillStore` registers; each has a permit of the first rollout. */
const CAMERAS = 12;

/** Something in every port: what an upgrade must carry over and a backup must hold. */
export async function fillStore(store: ServerStore): Promise<void> {
  await store.registry.register(Array.from({ length: CAMERAS }, (_, number) => device(number)));
  const first = release('camera-1.0.0', '1.0.0', 1);
  await store.catalogue.publish(first, BY);
  await store.catalogue.publish(withTwin(release('camera-2.0.0', '2.0.0', 2), 'camera-2.0.0-back', 3), BY);
  await store.catalogue.withdraw(
    first.manifest.releaseId,
    { at: at(1), reason: 'Superseded – "quotes", \\ and é' },
    BY,
  );
  await store.deltas.storeDelta(delta('1.0.0', '2.0.0'));
  await startRollout(store, exposureOf(ROLLOUT, 100));
  await startRollout(store, exposureOf(OTHER_ROLLOUT, 5));
  await store.ledger.commitPermits(
    Array.from({ length: CAMERAS }, (_, number) => proposal(number, { arm: number % 4 === 3 ? 'control' : 'treated' })),
  );
  await store.reports.appendReports([
    signedReport(0, 'verified'),
    signedReport(1, 'reverted', { minutes: 7 }),
    signedReport(2, 'install-failed'),
    signedReport(3, 'crash', { permitId: null }),
    // Of a device without a row: stored, never counted.
    signedReport(CAMERAS + 1, 'verified'),
  ]);
  await store.ledger.noteContacts([{ deviceId: deviceIdOf(4), at: at(90) }]);
  await store.ledger.loadRowsTouched(ROLLOUT, { afterMs: -1, upTo: at(30) }, [HOUR_MS]);
  await store.decisions.appendDecision(decisionInput(10), decision(10));
  await store.decisions.appendDecision(decisionInput(20), decision(20));
  await append(store, { kind: 'scope-paused', scope: 'region:south', reason: 'a storm' });
  await appendEvent(store, 'halt', { rolloutId: OTHER_ROLLOUT });
  await store.installation.storeSetting('fleet-time', String(at(95)));
}

/** All that the ports of a store say, in a form that can be compared. */
export async function readStore(store: ServerStore): Promise<Readonly<Record<string, unknown>>> {
  const everything = { afterPosition: 0, limit: 100_000 };
  const rollouts = [ROLLOUT, OTHER_ROLLOUT];
  const devices = await store.registry.listDevices({ limit: 100_000 });
  const known = await store.registry.loadDevices(devices.map((one) => one.deviceId));
  return {
    devices,
    ledgerOfDevices: new Map(known.map((one) => [one.record.deviceId, one.ledger])),
    rows: await Promise.all(rollouts.map((id) => store.ledger.loadRows(id, everything))),
    openPermits: await store.ledger.loadOpenPermits('global', at(10)),
    reports: await Promise.all(rollouts.map((id) => store.reports.loadReports(id, everything))),
    policy: await store.policyLog.loadEntries(revisionOf(0)),
    exposures: await store.exposures.loadExposures(),
    releases: await store.catalogue.listReleases(),
    deltas: await store.deltas.loadDeltasTo([digestOf('2.0.0')]),
    decisions: await Promise.all(rollouts.map((id) => store.decisions.loadDecisions(id, { limit: 100 }))),
    evidence: await Promise.all(rollouts.map((id) => store.decisions.loadLatestEvidence(id))),
    fleetTime: await store.installation.loadSetting('fleet-time'),
  };
}

/** That a store which was carried over goes on: nothing is counted twice, and the next permit, report and change are taken. */
export async function useFurther(store: ServerStore): Promise<readonly string[]> {
  const permits = await store.ledger.commitPermits([
    proposal(0, { grantedAt: at(200) }),
    proposal(CAMERAS + 2, { grantedAt: at(200) }),
  ]);
  const reports = await store.reports.appendReports([
    signedReport(0, 'verified'),
    signedReport(4, 'verified', { minutes: 210 }),
  ]);
  await appendEvent(store, 'roll-back', { rolloutId: ROLLOUT });
  const back = await store.ledger.commitPermits([rollbackProposal(0, 2)]);
  return [...[...permits, ...back].map((one) => (one.kind === 'refused' ? one.code : one.kind)), ...reports];
}

/** What `useFurther` answers on any store that was filled. */
export const USED_FURTHER = ['committed', 'committed', 'committed', 'duplicate', 'counted'] as const;

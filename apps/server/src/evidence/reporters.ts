// SPDX-License-Identifier: Apache-2.0
import type { ServerStore } from '@outrider/domain/decision/server-store';
import { type Cluster, clustersOf, metricsOf, type Reporter, reporterOf } from '@outrider/domain/evidence/reporters';
import type { DeviceRecord } from '@outrider/domain/gateway/device-record';
import type { RolloutId, SegmentId } from '@outrider/domain/kernel/ids';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import type { FleetInstant } from '@outrider/domain/kernel/time';
import type { MetricName } from '@outrider/domain/policy/rollout';
import { type CommandError, refuse } from '../errors.ts';
import { policyProblem } from '../policy/policy-problem.ts';
import type { SnapshotHolder } from '../policy/snapshot-holder.ts';

/** Who stands behind the counts of a rollout. */
export interface ReporterList {
  /** Up to here. */
  readonly asOf: FleetInstant;
  /** The first `REPORTERS_MAX` by place in the ledger. */
  readonly items: readonly Reporter[];
  /** Of all of them. */
  readonly reporterCount: number;
  readonly clusters: readonly Cluster[];
}

/** Devices of which events are counted, for people who ask whether they are to be believed. Changes nothing. */
export interface Reporters {
  /** Codes: rollout-unknown, evidence-absent. */
  of(rolloutId: RolloutId, metric?: MetricName): Promise<Result<ReporterList, CommandError>>;
}

/** What a person can look through; a release that harms more is not halted by forgery. */
const REPORTERS_MAX = 1_000;
/** Rows and devices of one read. */
const PAGE = 1_000;

export function reporters(options: { readonly store: ServerStore; readonly holder: SnapshotHolder }): Reporters {
  const { store, holder } = options;
  return {
    async of(rolloutId, metric) {
      await holder.refresh();
      const rollout = holder.policy().rollouts.get(rolloutId);
      if (rollout === undefined) return err(policyProblem({ code: 'rollout-unknown', rolloutId }));
      const evidence = await store.decisions.loadLatestEvidence(rolloutId);
      if (evidence === undefined) {
        return refuse('evidence-absent', `Nothing is counted about ${rolloutId} yet; it is, after its start`, {
          rolloutId,
        });
      }
      const { asOf } = evidence;
      const excluded = new Set(rollout.excludedDevices);
      const items: Reporter[] = [];
      const records: DeviceRecord[] = [];
      const segments = new Map<string, SegmentId>();
      let reporterCount = 0;
      for (let afterPosition = 0; ; ) {
        const page = await store.ledger.loadRows(rolloutId, { afterPosition, limit: PAGE });
        const telling = page
          .map((outcome) => ({ outcome, metrics: metricsOf(outcome, rollout.plan, asOf) }))
          .filter(({ metrics }) => (metric === undefined ? metrics.length > 0 : metrics.includes(metric)));
        reporterCount += telling.length;
        const room = telling.slice(0, REPORTERS_MAX - items.length);
        const devices = await store.registry.loadDevices([...new Set(room.map(({ outcome }) => outcome.row.deviceId))]);
        const recordOf = new Map(devices.map(({ record }) => [record.deviceId, record]));
        for (const { outcome, metrics } of room) {
          const { deviceId, segment } = outcome.row;
          const record = recordOf.get(deviceId);
          if (record === undefined) continue;
          if (!segments.has(deviceId)) records.push(record);
          segments.set(deviceId, segment);
          items.push(reporterOf(outcome, record, { metrics, isExcluded: excluded.has(deviceId) }));
        }
        const last = page.at(-1);
        if (last === undefined || page.length < PAGE) break;
        afterPosition = last.position;
      }
      const segmentOf = (id: string) => segments.get(id) ?? ('' as SegmentId);
      return ok({ asOf, items, reporterCount, clusters: clustersOf(records, segmentOf) });
    },
  };
}

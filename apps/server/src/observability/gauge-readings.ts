// SPDX-License-Identifier: Apache-2.0
import type { RolloutOverview } from '@outrider/domain/decision/overview';
import { elapsedMs, type FleetInstant } from '@outrider/domain/kernel/time';
import type { Policy } from '@outrider/domain/policy/fold';
import type { DeviceStates, ServerVitals } from '@outrider/protocol/decision/overview';
import type { RoleStanding } from '../trust/repositories.ts';
import { type GaugeSource, ROLLOUT_SERIES_MAX } from './metric-table.ts';

/** One value of a gauge, with its labels. */
export interface GaugeReading {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Everything that gauges are read from, taken once for all of them. */
export interface GaugeWorld {
  readonly now: FleetInstant;
  readonly policy: Policy;
  readonly vitals: ServerVitals;
  /** The live ones. */
  readonly rollouts: readonly RolloutOverview[];
  readonly devices: DeviceStates | undefined;
  readonly watchers: number;
  /** Documents of the repositories in force; none before there are any. */
  readonly trust?: readonly RoleStanding[];
  readonly version: string;
}

/** The readings of each gauge. A label takes its values from closed sets, or from lists that are cut. */
export function readGauges(world: GaugeWorld): Readonly<Record<GaugeSource, readonly GaugeReading[]>> {
  const { policy, vitals, devices, now } = world;
  const live = world.rollouts.slice(0, ROLLOUT_SERIES_MAX);
  const { database } = vitals;
  return {
    'snapshot-age': vitals.snapshotAgeMs === undefined ? [] : one(vitals.snapshotAgeMs / 1_000),
    revision: one(policy.revision),
    'paused-scopes': one(policy.pausedScopes.length),
    rollouts: countedBy([...policy.rollouts.values()].map((rollout) => rollout.state)),
    cap: live.flatMap(({ rolloutId, exposure }) =>
      exposure === undefined ? [] : [{ labels: { rollout: rolloutId }, value: exposure.cap }],
    ),
    granted: live.flatMap(({ rolloutId, exposure }) =>
      exposure === undefined ? [] : [{ labels: { rollout: rolloutId }, value: exposure.granted }],
    ),
    'segment-cap': perSegment(live, (segment) => segment.cap),
    'segment-granted': perSegment(live, (segment) => segment.granted),
    'segment-population': perSegment(live, (segment) => segment.population),
    'device-states': (devices?.states ?? []).map(({ state, count }) => ({ labels: { state }, value: count })),
    funnel: live.flatMap(funnelReadings),
    'evidence-lag': live.flatMap(({ rolloutId, evidenceAsOf }) =>
      evidenceAsOf === undefined
        ? []
        : [{ labels: { rollout: rolloutId }, value: Math.max(0, elapsedMs(evidenceAsOf, now) / 1_000) }],
    ),
    evidence: overall(live, (figure) => figure.lnE),
    threshold: overall(live, (figure) => figure.threshold),
    'segment-evidence': live.flatMap(({ rolloutId, figures }) =>
      figures.flatMap(({ segment, metric, lnE, threshold }) =>
        segment === undefined ? [] : [{ labels: { rollout: rolloutId, segment, metric }, value: lnE / threshold }],
      ),
    ),
    connections:
      database.connectionsInUse === undefined || database.connectionsMax === undefined
        ? []
        : [
            { labels: { kind: 'in-use' }, value: database.connectionsInUse },
            { labels: { kind: 'max' }, value: database.connectionsMax },
          ],
    waiting: database.waiting === undefined ? [] : one(database.waiting),
    'database-up': one(database.isReachable ? 1 : 0),
    watchers: one(world.watchers),
    'trust-expiry': (world.trust ?? []).slice(0, ROLES_MAX).map(({ repository, role, expiresAt }) => ({
      labels: { repository, role },
      value: elapsedMs(now, expiresAt) / 1_000,
    })),
    build: [{ labels: { version: world.version }, value: 1 }],
  };
}

/** Root, targets, snapshot, timestamp of each, and as many models as one installation has. */
const ROLES_MAX = 100;

function one(value: number): readonly GaugeReading[] {
  return [{ labels: {}, value }];
}

function countedBy(states: readonly string[]): readonly GaugeReading[] {
  const counts = new Map<string, number>();
  for (const state of states) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts].map(([state, value]) => ({ labels: { state }, value }));
}

function perSegment(
  live: readonly RolloutOverview[],
  pick: (segment: RolloutOverview['segments'][number]) => number,
): readonly GaugeReading[] {
  return live.flatMap(({ rolloutId, segments }) =>
    segments.map((segment) => ({
      labels: { rollout: rolloutId, segment: segment.segment },
      value: pick(segment),
    })),
  );
}

function overall(
  live: readonly RolloutOverview[],
  pick: (figure: RolloutOverview['figures'][number]) => number,
): readonly GaugeReading[] {
  return live.flatMap(({ rolloutId, figures }) =>
    figures.flatMap((figure) =>
      figure.segment === undefined
        ? [{ labels: { rollout: rolloutId, metric: figure.metric }, value: pick(figure) }]
        : [],
    ),
  );
}

function funnelReadings({ rolloutId, funnel }: RolloutOverview): readonly GaugeReading[] {
  const steps = {
    population: funnel.population,
    'may-download': funnel.mayDownload,
    permitted: funnel.permitted,
    'under-way': funnel.underWay,
    verified: funnel.verified,
    reverted: funnel.reverted,
    'install-failed': funnel.installFailed,
  };
  return Object.entries(steps).map(([step, value]) => ({ labels: { rollout: rolloutId, step }, value }));
}

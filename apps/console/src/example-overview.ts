// SPDX-License-Identifier: Apache-2.0
import type { RolloutOverview } from '@outrider/domain/decision/overview';
import { type Overview, parseOverview } from '@outrider/protocol/decision/overview';

/** An overview for tests, read as one from the network is: what no server could send, no test can either. */
export function overviewWith(
  parts: {
    readonly rollouts?: readonly object[];
    readonly pausedScopes?: readonly string[];
    readonly decisions?: readonly object[];
  } = {},
): Overview {
  const { rollouts = [], pausedScopes = [], decisions = [] } = parts;
  const latency = { count: 3, p50Ms: 0.4, p99Ms: 12 };
  const read = parseOverview(
    JSON.stringify({
      at: AT,
      isConducted: false,
      revision: 7,
      pausedScopes,
      vitals: {
        upMs: 90_000,
        isFresh: true,
        snapshotAgeMs: 40,
        checkInsPerSecond: 102.4,
        permitsPerSecond: 0.4,
        reportsPerSecond: 0,
        permitLatency: { count: 0 },
        requestLatency: latency,
        database: { isReachable: true, connectionsInUse: 1, connectionsMax: 8, waiting: 0 },
      },
      rollouts,
      rolloutCount: rollouts.length,
      decisions,
    }),
  );
  if (!read.ok) throw new Error(`The example is none: ${JSON.stringify(read.error)}`);
  return read.value;
}

/** A rollout under way, changed by `changes`. */
export function rolloutWith(changes: Partial<Record<keyof RolloutOverview, unknown>> = {}): object {
  return {
    rolloutId: 'camera-to-1.2.0',
    releaseId: 'camera-1.2.0',
    deviceType: 'camera',
    state: 'running',
    stateSince: AT,
    reason: 'The deltas are made',
    funnel: {
      population: 1_000,
      mayDownload: 500,
      permitted: 40,
      underWay: 6,
      verified: 30,
      reverted: 3,
      installFailed: 1,
      arms: [],
    },
    segments: [{ segment: 'rev-c', population: 100, cap: 10, granted: 4, isHalted: false }],
    segmentCount: 1,
    figures: [{ metric: 'revert', segment: 'rev-c', lnE: 2, threshold: 8, harmUpper: 0.2 }],
    figureCount: 1,
    ...changes,
  };
}

/** 2026-11-21 09:00:00 UTC */
export const AT = Date.UTC(2026, 10, 21, 9);

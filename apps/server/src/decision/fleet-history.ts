// SPDX-License-Identifier: Apache-2.0
import type { HistoryCell, ReleaseHistory } from '@outrider/domain/decision/base-rates/history';
import { type FleetBehaviour, STATED_BEHAVIOUR } from '@outrider/domain/decision/forecast/behaviour';
import type { HourCount } from '@outrider/domain/gateway/ledger';
import type { Ledger } from '@outrider/domain/gateway/ports';
import type { Rollout } from '@outrider/domain/policy/rollout';

/** What the last good releases of a device type tell about its devices. */
export interface FleetPast {
  readonly releases: readonly ReleaseHistory[];
  /** Failure rates as measured, all else as stated; absent while too little is known. */
  readonly behaviour?: FleetBehaviour;
}

/** As many releases as proposals are made from. */
const RELEASES_MAX = 5;
/** Below this a rate of some in ten thousand is not measured but guessed. */
const INSTALLS_MIN = 10_000;

/** What the ledgers of the last rollouts that completed say, oldest first. */
export async function loadPast(ledger: Ledger, rollouts: Iterable<Rollout>, deviceType: string): Promise<FleetPast> {
  const releases: ReleaseHistory[] = [];
  const all: HourCount[] = [];
  for (const { plan } of lastCompleted(rollouts, deviceType)) {
    const counts = await ledger.countByHour(plan.rolloutId);
    all.push(...counts);
    if (counts.length > 0) releases.push({ releaseId: plan.releaseId, cells: cellsOf(counts) });
  }
  return sumOf(all, 'treated') < INSTALLS_MIN ? { releases } : { releases, behaviour: behaviourOf(all) };
}

/** The last rollouts of a device type that completed, oldest first. */
export function lastCompleted(rollouts: Iterable<Rollout>, deviceType: string): readonly Rollout[] {
  return [...rollouts]
    .filter(({ state, plan }) => state === 'completed' && plan.deviceType === deviceType)
    .sort((a, b) => a.stateSince - b.stateSince)
    .slice(-RELEASES_MAX);
}

/** What the rollout of one release has shown so far, by segment and hour of the day. */
export async function loadRelease(ledger: Ledger, { plan }: Rollout): Promise<ReleaseHistory> {
  return { releaseId: plan.releaseId, cells: cellsOf(await ledger.countByHour(plan.rolloutId)) };
}

/** Only installing devices fall back or fail to install. */
function cellsOf(counts: readonly HourCount[]): readonly HistoryCell[] {
  return counts
    .filter((one) => one.treated > 0)
    .flatMap(({ segment, hourOfDay, treated: installs, reverted, installFailed }) => [
      { metric: 'revert' as const, segment, hourOfDay, installs, events: reverted },
      { metric: 'install' as const, segment, hourOfDay, installs, events: installFailed },
    ]);
}

function behaviourOf(counts: readonly HourCount[]): FleetBehaviour {
  const [installs, enrolled] = [sumOf(counts, 'treated'), sumOf(counts, 'enrolled')];
  return {
    ...STATED_BEHAVIOUR,
    revertRate: sumOf(counts, 'reverted') / installs,
    installFailureRate: sumOf(counts, 'installFailed') / installs,
    crashRate: sumOf(counts, 'crashed') / enrolled,
    sensorFaultRate: sumOf(counts, 'sensorFaulty') / enrolled,
  };
}

function sumOf(counts: readonly HourCount[], name: Exclude<keyof HourCount, 'segment' | 'hourOfDay'>): number {
  return counts.reduce((sum, one) => sum + one[name], 0);
}

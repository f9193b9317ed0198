// SPDX-License-Identifier: Apache-2.0
import type { HistoryCell, ReleaseHistory } from '@outrider/domain/decision/base-rates/history';
import { type FleetBehaviour, STATED_BEHAVIOUR } from '@outrider/domain/decision/forecast/behaviour';
import type { LedgerOutcome } from '@outrider/domain/gateway/ledger';
import type { Ledger } from '@outrider/domain/gateway/ports';
import { DAY_MS, type FleetInstant, HOUR_MS } from '@outrider/domain/kernel/time';
import type { Rollout } from '@outrider/domain/policy/rollout';

/** What the last good releases of a device type tell about its devices. */
export interface FleetPast {
  readonly releases: readonly ReleaseHistory[];
  /** Failure rates as measured, all else as stated; absent while too little is known. */
  readonly behaviour?: FleetBehaviour;
}

/** As many releases as proposals are made from. */
const RELEASES_MAX = 5;
/** Rows of one page: half a megabyte. */
const PAGE_ROWS = 1_000;
/** Rows of one release that are read: their rates are then known to a few parts in a hundred, in some seconds. */
const ROWS_MAX = 200_000;
/** Below this a rate of some in ten thousand is not measured but guessed. */
const ROWS_MIN = 10_000;

/** Reads the ledgers of the last rollouts that completed, oldest first. */
export async function loadPast(ledger: Ledger, rollouts: Iterable<Rollout>, deviceType: string): Promise<FleetPast> {
  const completed = lastCompleted(rollouts, deviceType);
  const releases: ReleaseHistory[] = [];
  const sums: Sums = { rows: 0, installs: 0, reverted: 0, failed: 0, crashed: 0, faulty: 0 };
  for (const { plan } of completed) {
    const cells = new Map<string, HistoryCell>();
    for await (const outcome of rowsOf(ledger, plan.rolloutId)) {
      addOutcome(sums, outcome);
      addCells(cells, outcome);
    }
    if (cells.size > 0) releases.push({ releaseId: plan.releaseId, cells: [...cells.values()] });
  }
  return sums.installs < ROWS_MIN ? { releases } : { releases, behaviour: behaviourOf(sums) };
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
  const cells = new Map<string, HistoryCell>();
  for await (const outcome of rowsOf(ledger, plan.rolloutId)) addCells(cells, outcome);
  return { releaseId: plan.releaseId, cells: [...cells.values()] };
}

interface Sums {
  rows: number;
  installs: number;
  reverted: number;
  failed: number;
  crashed: number;
  faulty: number;
}

async function* rowsOf(ledger: Ledger, rolloutId: Rollout['plan']['rolloutId']): AsyncGenerator<LedgerOutcome> {
  let afterPosition = 0;
  for (let read = 0; read < ROWS_MAX; read += PAGE_ROWS) {
    const page = await ledger.loadRows(rolloutId, { afterPosition, limit: PAGE_ROWS });
    yield* page;
    if (page.length < PAGE_ROWS) return;
    afterPosition = page.at(-1)?.position ?? afterPosition;
  }
}

function addOutcome(sums: Sums, { row, ...heard }: LedgerOutcome): void {
  if (row.kind !== 'enrolment') return;
  const { revertedAt, installFailedAt, crashedAt, sensorFaultAt } = heard;
  sums.rows += 1;
  sums.crashed += isWithinDay(row.grantedAt, crashedAt) ? 1 : 0;
  sums.faulty += isWithinDay(row.grantedAt, sensorFaultAt) ? 1 : 0;
  if (row.arm !== 'treated') return;
  sums.installs += 1;
  sums.reverted += revertedAt === undefined ? 0 : 1;
  sums.failed += installFailedAt === undefined ? 0 : 1;
}

function addCells(cells: Map<string, HistoryCell>, { row, revertedAt, installFailedAt }: LedgerOutcome): void {
  if (row.kind !== 'enrolment' || row.arm !== 'treated') return;
  const hourOfDay = Math.floor((row.grantedAt % DAY_MS) / HOUR_MS);
  for (const [metric, eventAt] of [
    ['revert', revertedAt],
    ['install', installFailedAt],
  ] as const) {
    const key = `${metric} ${hourOfDay} ${row.segment}`;
    const { installs = 0, events = 0 } = cells.get(key) ?? {};
    const counted = { installs: installs + 1, events: events + (eventAt === undefined ? 0 : 1) };
    cells.set(key, { metric, segment: row.segment, hourOfDay, ...counted });
  }
}

function isWithinDay(from: FleetInstant, at: FleetInstant | undefined): boolean {
  return at !== undefined && at <= from + DAY_MS;
}

function behaviourOf({ rows, installs, reverted, failed, crashed, faulty }: Sums): FleetBehaviour {
  return {
    ...STATED_BEHAVIOUR,
    revertRate: reverted / installs,
    installFailureRate: failed / installs,
    crashRate: crashed / rows,
    sensorFaultRate: faulty / rows,
  };
}

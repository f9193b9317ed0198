// SPDX-License-Identifier: Apache-2.0
import type { ServerStore } from '@outrider/domain/decision/server-store';
import { compareEvidence } from '@outrider/domain/evidence/compare-evidence';
import { count } from '@outrider/domain/evidence/count';
import type { Evidence, LeftOut } from '@outrider/domain/evidence/evidence';
import { emptyEvidenceWithout, eventsOfCounted, isCountedBy, leftOutBy } from '@outrider/domain/evidence/left-out';
import { type OutcomeFault, outcomeCheck } from '@outrider/domain/evidence/outcome-check';
import type { LedgerOutcome } from '@outrider/domain/gateway/ledger';
import type { Difference } from '@outrider/domain/kernel/difference';
import type { RolloutId } from '@outrider/domain/kernel/ids';
import type { FleetInstant } from '@outrider/domain/kernel/time';
import { emptyPolicy, foldPolicy } from '@outrider/domain/policy/fold';
import type { PolicyEntry } from '@outrider/domain/policy/log';
import type { RolloutPlan } from '@outrider/domain/policy/rollout';

/** The stored evidence of a rollout beside what the raw rows and the raw reports say. */
export interface EvidenceRecount {
  readonly rolloutId: RolloutId;
  /** Up to here the stored evidence was counted, and was counted again. */
  readonly asOf: FleetInstant;
  /** True: no count differs, and every outcome instant is that of a raw report. */
  readonly isEqual: boolean;
  /** Rows of the ledger, and raw reports of their devices, that were read. */
  readonly rows: number;
  readonly reports: number;
  /** The first `DIFFERENCES_MAX` fields that differ: `first` as stored, `second` as counted again. */
  readonly differences: readonly Difference[];
  readonly differenceCount: number;
  /** The first `DIFFERENCES_MAX` instants that the reports do not bear out. */
  readonly faults: readonly OutcomeFault[];
  readonly faultCount: number;
  readonly stored: Evidence;
  readonly recounted: Evidence;
}

/** Rows and reports of one read: some megabytes, whatever the size of the rollout. */
const PAGE = 1_000;
/** What a person looks at; the rest is counted. */
const DIFFERENCES_MAX = 100;

/**
 * Counts the evidence of a rollout again from every row of its ledger, up to the instant of what is stored, and checks each
 * outcome instant against the raw signed reports. Reads only, in pages. Nothing is ever stamped into a counted interval, so
 * the answer is the same while reports go on coming in.
 */
export async function recountEvidence(
  store: ServerStore,
  plan: RolloutPlan,
  stored: Evidence,
): Promise<EvidenceRecount> {
  const { asOf, rolloutId } = stored;
  const interval = { afterMs: -1, upTo: asOf } as const;
  const faults: OutcomeFault[] = [];
  let [recounted, rows, reports, faultCount] = [await noEvidence(store, plan, stored), 0, 0, 0];
  for await (const page of pagesOf((afterPosition) =>
    store.ledger.loadRows(rolloutId, { afterPosition, limit: PAGE }),
  )) {
    const events = page.flatMap((row) => eventsOfCounted(row, interval, { plan, leftOut: recounted.leftOut }));
    recounted = count(recounted, events, asOf);
    const checked = await checkOutcomes(store, page, stored);
    rows += page.length;
    reports += checked.reports;
    faultCount += checked.faults.length;
    faults.push(...checked.faults.slice(0, DIFFERENCES_MAX - faults.length));
  }
  const differences = compareEvidence(stored, recounted);
  return {
    ...{ rolloutId, asOf, isEqual: differences.length === 0 && faultCount === 0, rows, reports },
    ...{ differences: differences.slice(0, DIFFERENCES_MAX), differenceCount: differences.length, faults, faultCount },
    ...{ stored, recounted },
  };
}

/**
 * Where counting begins. What people have ordered is believed when the policy log has it: which devices are left out, a
 * restart of all tests, and one of the counts of `install` (its resume).
 */
async function noEvidence({ policyLog }: ServerStore, plan: RolloutPlan, stored: Evidence): Promise<Evidence> {
  const { rolloutId, asOf, installRestartedAt } = stored;
  const entries = await policyLog.loadEntries(BEFORE_ALL);
  const isSigned = entries.some(
    ({ at, change }) =>
      at === installRestartedAt &&
      change.kind === 'rollout-event' &&
      change.event === 'resume' &&
      change.rolloutId === rolloutId,
  );
  const leftOut = orderedIn(entries, stored);
  const orders = {
    ...(leftOut === undefined ? {} : { leftOut }),
    ...(isSigned && installRestartedAt !== undefined ? { installRestartedAt } : {}),
  };
  return emptyEvidenceWithout(plan, asOf, orders);
}

/**
 * What the log leaves out by the newest of its orders that the stored evidence knows, else by none: stored evidence that leaves
 * out something that nobody ordered differs from it, and is found.
 */
function orderedIn(entries: readonly PolicyEntry[], stored: Evidence): LeftOut | undefined {
  let policy = emptyPolicy();
  let found: LeftOut | undefined;
  for (const entry of entries) {
    policy = foldPolicy(policy, entry);
    const rollout = policy.rollouts.get(stored.rolloutId);
    const ordered = rollout === undefined ? undefined : leftOutBy(rollout);
    if (isCountedBy(stored, ordered)) found = ordered;
  }
  return found;
}

/** The revision before the first entry. */
const BEFORE_ALL = 0 as Parameters<ServerStore['policyLog']['loadEntries']>[0];

interface CheckedOutcomes {
  readonly reports: number;
  readonly faults: readonly OutcomeFault[];
}

async function checkOutcomes(
  store: ServerStore,
  rows: readonly LedgerOutcome[],
  { rolloutId, asOf }: Evidence,
): Promise<CheckedOutcomes> {
  const deviceIds = [...new Set(rows.map(({ row }) => row.deviceId))];
  const devices = await store.registry.loadDevices(deviceIds);
  const ledgers = new Map(devices.map(({ record, ledger }) => [record.deviceId, ledger]));
  const check = outcomeCheck({ rows, ledgers, asOf });
  let reports = 0;
  const pages = pagesOf((afterPosition) =>
    store.reports.loadReports(rolloutId, { afterPosition, limit: PAGE, deviceIds }),
  );
  for await (const page of pages) {
    for (const report of page) check.add(report);
    reports += page.length;
  }
  return { reports, faults: check.faults() };
}

/** Page after page, by position, until one is short. */
async function* pagesOf<T extends { readonly position: number }>(
  load: (afterPosition: number) => Promise<readonly T[]>,
): AsyncGenerator<readonly T[]> {
  for (let afterPosition = 0; ; ) {
    const page = await load(afterPosition);
    const last = page.at(-1);
    if (last === undefined) return;
    yield page;
    if (page.length < PAGE) return;
    afterPosition = last.position;
  }
}

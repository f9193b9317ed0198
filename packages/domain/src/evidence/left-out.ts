// SPDX-License-Identifier: Apache-2.0
import type { LedgerOutcome, LedgerRow } from '../gateway/ledger.ts';
import type { FleetInstant } from '../kernel/time.ts';
import type { Rollout, RolloutPlan } from '../policy/rollout.ts';
import { emptyEvidence } from './count.ts';
import { type EvidenceInterval, eventsBetween } from './events.ts';
import type { Evidence, EvidenceEvent, LeftOut } from './evidence.ts';

/** What the policy says now about the rows of a rollout that count for nothing. Undefined: all count. */
export function leftOutBy({ excludedDevices = [], restarted }: Rollout): LeftOut | undefined {
  if (excludedDevices.length === 0 && restarted === undefined) return undefined;
  const restart = restarted === undefined ? {} : { restartedAt: restarted.at };
  return { deviceIds: excludedDevices, ...restart, restarts: restarted?.count ?? 0, enrolments: [] };
}

/** Whether the evidence was counted by what the policy says now; else it has to be counted again from the raw rows. */
export function isCountedBy({ leftOut }: Evidence, wanted: LeftOut | undefined): boolean {
  const [had, has] = [leftOut ?? NOTHING, wanted ?? NOTHING];
  return (
    had.restartedAt === has.restartedAt &&
    had.restarts === has.restarts &&
    had.deviceIds.length === has.deviceIds.length &&
    had.deviceIds.every((one, index) => one === has.deviceIds[index])
  );
}

/** Where a count from the raw rows begins. An older restart of `install` alone goes on, unless all began again after it. */
export function emptyEvidenceWithout(
  plan: RolloutPlan,
  asOf: FleetInstant,
  { leftOut, installRestartedAt }: Pick<Evidence, 'leftOut' | 'installRestartedAt'>,
): Evidence {
  return {
    ...emptyEvidence(plan, asOf),
    asOf,
    ...(installRestartedAt === undefined ? {} : { installRestartedAt }),
    ...(leftOut === undefined ? {} : { leftOut: { ...leftOut, enrolments: [] } }),
  };
}

/**
 * The evidence in one ledger row that falls into the interval, as `eventsBetween`, but for rows that are left out: of these
 * the enrolment alone is told, since admission counts every permit. A row is in or out as a whole and for good.
 */
export function eventsOfCounted(
  outcome: LedgerOutcome,
  interval: EvidenceInterval,
  { plan, leftOut }: { readonly plan: RolloutPlan; readonly leftOut: LeftOut | undefined },
): readonly EvidenceEvent[] {
  const events = eventsBetween(outcome, interval, plan);
  if (leftOut === undefined || !isLeftOut(outcome.row, leftOut)) return events;
  return events.flatMap((event): readonly EvidenceEvent[] => {
    if (event.kind !== 'enrolled') return [];
    const { segment, arm, pi } = event;
    return [{ kind: 'enrolled-left-out', segment, arm, pi }];
  });
}

function isLeftOut({ deviceId, grantedAt }: LedgerRow, { deviceIds, restartedAt }: LeftOut): boolean {
  return (restartedAt !== undefined && grantedAt <= restartedAt) || deviceIds.includes(deviceId);
}

const NOTHING: LeftOut = { deviceIds: [], restarts: 0, enrolments: [] };

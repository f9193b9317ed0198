// SPDX-License-Identifier: Apache-2.0
import { DAY_MS, type FleetInstant, fleetInstant } from '../kernel/time.ts';
import type { MetricGate, RolloutPlan } from '../policy/rollout.ts';
import type { LedgerRow } from './ledger.ts';

/**
 * Whether a control may ask again and be enrolled anew under `pi`: pi has risen since, and every outcome window of its
 * row has closed, so nothing of the earlier enrolment is cut short by the later one. In the long panel (`isPanel`) that
 * takes 168 h, for others 72 h. Source: design/decision.md, "Data".
 */
export function canReEnrol(row: LedgerRow, plan: RolloutPlan, moment: ReEnrolMoment): boolean {
  if (row.kind !== 'enrolment' || row.arm !== 'control') return false;
  return moment.pi > row.pi && moment.now >= windowsCloseAt(row, plan);
}

/** When a control asks, and how likely the treated arm is by now. */
export interface ReEnrolMoment {
  /** Probability of the treated arm now, from the exposure. */
  readonly pi: number;
  readonly now: FleetInstant;
}

/** When the last outcome window of this row closes. */
export function windowsCloseAt(row: LedgerRow, plan: RolloutPlan): FleetInstant {
  const longestMs = coinGatesOf(row, plan).reduce<number>((longest, gate) => Math.max(longest, gate.windowMs), DAY_MS);
  return fleetInstant(row.grantedAt + longestMs);
}

/** The gate of a metric that compares the arms. */
export type CoinGate = Extract<MetricGate, { readonly kind: 'coin' }>;

/** The metrics this row holds a window of: all that compare the arms, `silent168` only in the long panel. */
export function coinGatesOf(row: LedgerRow, plan: RolloutPlan): readonly CoinGate[] {
  return plan.gates.metrics.filter(
    (gate): gate is CoinGate => gate.kind === 'coin' && (gate.metric !== 'silent168' || row.isPanel),
  );
}

// SPDX-License-Identifier: Apache-2.0
import type { RolloutPlan } from '../../policy/rollout.ts';
import { cellsOf, type FleetHistory } from './history.ts';
import { proposeBaseRates, STATED_BASE_RATES, WORST_HOUR_FACTOR } from './propose.ts';
import { worstCells } from './worst-cell.ts';

/** Something about the base rates of a plan that its fleet's own history does not bear out. */
export interface PlanFinding {
  readonly code: PlanFindingCode;
  /** `refuse`: the plan must not be approved as it is. */
  readonly severity: 'refuse' | 'warn';
  /** For example `gates.metrics.revert.baseRate`. */
  readonly field: string;
  /** What stands there, what the history shows, what to do. */
  readonly detail: string;
}

/** The closed union of findings; codes never change. */
export type PlanFindingCode = keyof typeof PLAN_FINDINGS;

/** One sentence for each code. */
export const PLAN_FINDINGS = {
  'base-rate-contradicted': 'The last good releases were worse in their worst hour than the base rate allows for',
  'base-rate-tight': 'The base rate is lower than the history supports: good releases may be halted',
  'base-rate-lax': 'The base rate is so high that harm stays unseen for long',
  'base-rate-unfounded': 'The fleet has no history yet, and the base rate is lower than the stated first value',
} as const;

/** A base rate above this times the proposal hides harm that the history says could be seen. */
const LAX_FACTOR = 5;

/**
 * Compares the base rates of a plan with what the last good releases of the fleet did. Refused is a rate below 1.5 times the
 * worst hour, where chance is ruled out with 95 % over all cells looked at; what is only unsafe is warned of.
 */
export function lintPlan(plan: RolloutPlan, history: FleetHistory): readonly PlanFinding[] {
  const proposals = proposeBaseRates(history);
  return plan.gates.metrics.flatMap((gate): readonly PlanFinding[] => {
    if (gate.kind !== 'base') return [];
    const { metric, baseRate } = gate;
    const field = `gates.metrics.${metric}.baseRate`;
    const proposal = proposals.find((one) => one.metric === metric);
    const worst = worstCells(cellsOf(history, metric))?.byLower;
    if (proposal === undefined) return [];
    const advice = `declare ${percent(proposal.baseRate)} or give the reason why this release differs`;
    if (worst === undefined) {
      const stated = STATED_BASE_RATES[metric];
      if (baseRate >= stated) return [];
      const detail = `It is ${percent(baseRate)}; for the first rollout of a fleet ${percent(stated)} is stated: ${advice}`;
      return [{ code: 'base-rate-unfounded', severity: 'warn', field, detail }];
    }
    const least = WORST_HOUR_FACTOR * worst.lower;
    if (baseRate < least) {
      const where = `${worst.events} of ${worst.installs} in ${worst.segment ?? 'all segments'}, ${hoursText(worst)}`;
      const detail = `It is ${percent(baseRate)}, seen were ${where}, which needs at least ${percent(least)}: ${advice}`;
      return [{ code: 'base-rate-contradicted', severity: 'refuse', field, detail }];
    }
    if (baseRate < proposal.baseRate) {
      const detail = `It is ${percent(baseRate)}, proposed is ${percent(proposal.baseRate)}: ${advice}`;
      return [{ code: 'base-rate-tight', severity: 'warn', field, detail }];
    }
    if (baseRate <= LAX_FACTOR * proposal.baseRate) return [];
    const detail = `It is ${percent(baseRate)}, proposed is ${percent(proposal.baseRate)}: ${advice}`;
    return [{ code: 'base-rate-lax', severity: 'warn', field, detail }];
  });
}

function percent(rate: number): string {
  return `${Number((100 * rate).toPrecision(3))} %`;
}

function hoursText({ fromHour, hours }: { readonly fromHour: number; readonly hours: number }): string {
  return hours >= 24 ? 'over the day' : `from ${fromHour}:00 to ${(fromHour + hours) % 24}:00 UTC`;
}

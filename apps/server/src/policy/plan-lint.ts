// SPDX-License-Identifier: Apache-2.0
import { lintPlan, PLAN_FINDINGS, type PlanFinding } from '@outrider/domain/decision/base-rates/lint-plan';
import type { Json } from '@outrider/domain/kernel/canonical-json';
import { ok, type Result } from '@outrider/domain/kernel/result';
import type { Overrule } from '@outrider/domain/policy/log';
import type { Rollout, RolloutPlan } from '@outrider/domain/policy/rollout';
import type { Histories } from '../decision/histories.ts';
import { type CommandError, refuse } from '../errors.ts';

/** A finding that somebody takes on themselves; without a field, wherever it was made. */
export interface OverruleRequest {
  readonly finding: string;
  readonly field?: string;
  readonly because: string;
}

/** A plan before the history of the fleet it is for. */
export interface LintedPlan {
  readonly plan: RolloutPlan;
  /** All rollouts there are: the good ones of its device type are the history. */
  readonly rollouts: Iterable<Rollout>;
  /** Overruled before, when the plan was created. */
  readonly known?: readonly Overrule[];
  readonly requests?: readonly OverruleRequest[];
}

/**
 * Refuses a plan whose base rates the fleet's own history contradicts, unless a person overrules the finding, by name and
 * with a reason. Answers with what is to be recorded. Codes: plan-contradicted, overrule-unfounded.
 */
export async function lintedPlan(
  histories: Histories,
  { plan, rollouts, known = [], requests = [] }: LintedPlan,
): Promise<Result<readonly Overrule[], CommandError>> {
  const findings = lintPlan(plan, await histories.before(plan, rollouts));
  const unfounded = requests.find((one) => !findings.some((finding) => isAbout(one, finding)));
  if (unfounded !== undefined) {
    const made = findings.length === 0 ? 'none was made' : `made were ${findings.map((one) => one.code).join(', ')}`;
    const detail = `The finding ${unfounded.finding} was not made about this plan, ${made}; leave it out`;
    return refuse('overrule-unfounded', detail, { finding: unfounded.finding });
  }
  const overrules = requests.flatMap((one) =>
    findings
      .filter((finding) => isAbout(one, finding))
      .map(({ code, field }) => ({ finding: code, field, because: one.because })),
  );
  const settled = [...known, ...overrules];
  const refused = findings.filter(
    (finding) => finding.severity === 'refuse' && !settled.some((one) => isAbout(one, finding)),
  );
  const [first] = refused;
  if (first === undefined) return ok(overrules);
  const more = refused.length > 1 ? ` (and ${refused.length - 1} more)` : '';
  const detail = `${PLAN_FINDINGS[first.code]}: ${first.field}. ${first.detail}${more}; or overrule ${first.code} with a reason`;
  return refuse('plan-contradicted', detail, { findings: refused.map(jsonOf) });
}

function isAbout(overrule: OverruleRequest, { code, field }: PlanFinding): boolean {
  return overrule.finding === code && (overrule.field === undefined || overrule.field === field);
}

function jsonOf({ code, severity, field, detail }: PlanFinding): Json {
  return { code, severity, field, detail };
}

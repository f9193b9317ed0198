// SPDX-License-Identifier: Apache-2.0
import type { Difference } from '../kernel/difference.ts';
import type { RolloutPlan } from '../policy/rollout.ts';
import { compareDecisions } from './compare-decisions.ts';
import { decide } from './decide.ts';
import type { Decision, DecisionInput, StoredDecision } from './decision.ts';

/** What `decide` says now, on the stored input, that it did not say then: nothing, or there is something to explain. */
export function replayDecision(plan: RolloutPlan, { input, decision }: StoredDecision): readonly Difference[] {
  return compareDecisions(decision, decideSafely(plan, input).decision);
}

/** A decision, and the error if the rule itself failed. */
export interface SafeDecision {
  readonly decision: Decision;
  readonly cause?: unknown;
}

/**
 * `decide`, where an error in deciding is a verdict that a person sees: it holds, and never passes. What can be foreseen is
 * a verdict of `decide` already; this is a bug, and a bug in the rule must not stop the safety loop.
 */
export function decideSafely(plan: RolloutPlan, input: DecisionInput): SafeDecision {
  try {
    return { decision: decide(plan, input) };
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    const reason = `error: ${text.slice(0, ERROR_CHARACTERS_MAX)}`;
    const { evidence, exposure, now } = input;
    const stopped = { rolloutId: evidence.rolloutId, at: now, segments: [], figures: [] };
    return {
      decision: { ...stopped, overall: { kind: 'hold', reason }, exposure: { ...exposure, holdReason: reason } },
      cause,
    };
  }
}

/** The beginning of a message says what it is; a reason that is stored has 1,024 characters at most. */
const ERROR_CHARACTERS_MAX = 500;

// SPDX-License-Identifier: Apache-2.0
import type { CoinMetric, Evidence } from '../evidence/evidence.ts';
import type { SegmentId } from '../kernel/ids.ts';
import type { MetricName, RolloutPlan } from '../policy/rollout.ts';
import { type ClosedEvents, excessUpper, isRateBelow, rateLower, rateUpper, thetaLower, thetaUpper } from './bounds.ts';
import { coinTallyOf, type Tally, tallyBySegment, tallyWithout } from './tally.ts';

/**
 * One statement about the failures of treated devices: what a finished rollout has shown, and what it has not. The rate lies
 * in [lower, upper]; all statements of one rollout, at all times, hold together with `SHOWN_CONFIDENCE`.
 */
export interface ShownRate {
  readonly metric: MetricName;
  /** `rate`: of all treated devices; `excess`: above what the control arm shows, where both arms can show it. */
  readonly kind: 'rate' | 'excess';
  /** Absent: the whole rollout. Else the segment of which least is shown: its upper bound is the highest. */
  readonly segment?: SegmentId;
  /** Treated devices whose outcome is known, and events among them. */
  readonly closed: number;
  readonly events: number;
  /** Permitted, and not heard of yet: the statement is not about them. For what has no control only. */
  readonly unheard?: number;
  readonly lower: number;
  readonly upper: number;
  readonly verdict: ShownVerdict;
  /** Outcomes that would show it without one more event; absent when the verdict is known, or where control counts too. */
  readonly closedNeeded?: number;
}

/** Is the rate at most `SHOWN_GOAL`: shown that it is, shown that it is not, or neither. */
export type ShownVerdict = 'within-goal' | 'above-goal' | 'not-shown';

/** 0.01 %: what is asked of every finished rollout. */
export const SHOWN_GOAL = 0.0001;

/** Over all statements of a rollout and all instants at which somebody looks. */
export const SHOWN_CONFIDENCE = 0.99;

/**
 * What these counts show of each metric, overall and in the worst segment, halted ones included: leaving out what went badly
 * would prove nothing. Each bound is that of a beta (or odds) mixture at an error that all of them share, half for the
 * whole and half for the segments (union bound). It is exact for devices that fail independently with one chance, and
 * speaks of the devices heard of. Source: design/decision.md, "Formulae".
 */
export function shownRates(plan: RolloutPlan, evidence: Evidence): readonly ShownRate[] {
  const bySegment = tallyBySegment(evidence);
  const whole = tallyWithout(evidence, new Set());
  const bounds = plan.gates.metrics.reduce((sum, { kind }) => sum + (kind === 'base' ? 1 : BOUNDS_OF_EXCESS), 0);
  const error = (1 - SHOWN_CONFIDENCE) / 2 / bounds;
  const segmentError = error / Math.max(1, bySegment.size);
  return plan.gates.metrics.flatMap(({ kind, metric }) => {
    const shownIn = (tally: Tally, allowed: number) =>
      metric === 'revert' || metric === 'install'
        ? shownRate(metric, tally, allowed)
        : shownExcess(metric, tally, allowed);
    if (kind === 'base' && whole[metric].open === 0) return [];
    const inSegments = [...bySegment].map(([segment, tally]) => ({ ...shownIn(tally, segmentError), segment }));
    const worst = inSegments.reduce<ShownRate | undefined>(
      (most, one) => (most === undefined || one.upper > most.upper ? one : most),
      undefined,
    );
    return [shownIn(whole, error), ...(worst === undefined ? [] : [worst])];
  });
}

/** Rate of the treated, rate of the control, odds from above and from below. */
const BOUNDS_OF_EXCESS = 4;

function shownRate(metric: 'revert' | 'install', tally: Tally, error: number): ShownRate {
  const { closed, events, open } = tally[metric];
  const lower = rateLower({ closed, events }, error);
  const upper = rateUpper({ closed, events }, error);
  const verdict = verdictOf(lower, upper);
  return {
    ...{ metric, kind: 'rate', closed, events, unheard: open - closed, lower, upper, verdict },
    ...(verdict === 'not-shown' ? { closedNeeded: closedNeeded({ closed, events }, error) } : {}),
  };
}

function shownExcess(metric: CoinMetric, tally: Tally, error: number): ShownRate {
  const { treated, control, strata } = coinTallyOf(tally, metric);
  const controlUpper = rateUpper(control, error);
  const upper = excessUpper({
    treatedUpper: rateUpper(treated, error),
    controlUpper,
    thetaUpper: thetaUpper(strata, error),
  });
  const lower = Math.min(upper, Math.max(0, thetaLower(strata, error) - 1) * rateLower(control, error));
  const { closed, events } = treated;
  return { metric, kind: 'excess', closed, events, lower, upper, verdict: verdictOf(lower, upper) };
}

function verdictOf(lower: number, upper: number): ShownVerdict {
  if (upper <= SHOWN_GOAL) return 'within-goal';
  return lower > SHOWN_GOAL ? 'above-goal' : 'not-shown';
}

/** By doubling and halving: the bound falls with every outcome that brings no event. */
function closedNeeded({ closed, events }: ClosedEvents, error: number): number {
  const isShown = (count: number) => isRateBelow(SHOWN_GOAL, { closed: count, events }, error);
  let enough = Math.max(1, closed);
  while (!isShown(enough)) enough *= 2;
  let tooFew = closed;
  while (enough - tooFew > 1) {
    const middle = Math.floor((enough + tooFew) / 2);
    if (isShown(middle)) enough = middle;
    else tooFew = middle;
  }
  return enough;
}

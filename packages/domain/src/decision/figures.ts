// SPDX-License-Identifier: Apache-2.0
import type { SegmentId } from '../kernel/ids.ts';
import type { MetricGate, RolloutPlan } from '../policy/rollout.ts';
import { excessUpper, rateUpper, thetaUpper } from './bounds.ts';
import type { MetricFigure } from './decision.ts';
import { lnEBase, lnECoin } from './e-process.ts';
import { coinTallyOf, type Tally } from './tally.ts';
import { boundError, segmentBoundError, thresholdOverall, thresholdSegment } from './thresholds.ts';

/** Every metric of the plan over these counts: evidence, threshold and bound on harm. */
export function overallFigures(plan: RolloutPlan, tally: Tally): readonly MetricFigure[] {
  const error = boundError(plan.gates.alpha);
  return plan.gates.metrics.map((gate) => ({
    metric: gate.metric,
    lnE: lnEOf(gate, tally),
    threshold: thresholdOverall(plan.gates.alpha, gate.weight),
    harmUpper: gate.kind === 'base' ? rateUpper(tally[gate.metric], error) : excessOf(gate, tally, error),
  }));
}

/** The same in one of `segmentCount` segments; harm of what both arms can do is bounded by the treated arm alone. */
export function segmentFigures(
  plan: RolloutPlan,
  tally: Tally,
  scope: { readonly segment: SegmentId; readonly segmentCount: number },
): readonly MetricFigure[] {
  const error = segmentBoundError(plan.gates.alpha);
  return plan.gates.metrics.map((gate) => ({
    metric: gate.metric,
    segment: scope.segment,
    lnE: lnEOf(gate, tally),
    threshold: thresholdSegment(plan.gates.alpha, gate.weight, scope.segmentCount),
    harmUpper: rateUpper(gate.kind === 'base' ? tally[gate.metric] : coinTallyOf(tally, gate.metric).treated, error),
  }));
}

/** The figures that have passed their threshold, with what the plan says must follow. */
export function crossings(plan: RolloutPlan, figures: readonly MetricFigure[]): readonly Crossing[] {
  return figures.flatMap((figure) => {
    if (figure.lnE < figure.threshold) return [];
    const gate = plan.gates.metrics.find((one) => one.metric === figure.metric);
    return gate === undefined ? [] : [{ figure, onCross: gate.onCross }];
  });
}

/** A figure at or over its threshold, and what the plan says must follow. */
export interface Crossing {
  readonly figure: MetricFigure;
  readonly onCross: MetricGate['onCross'];
}

/** For example `revert in rev-c: ln E 11.42 reached 7.78`. */
export function crossingText({ figure }: Crossing): string {
  const place = figure.segment === undefined ? 'overall' : `in ${figure.segment}`;
  return `${figure.metric} ${place}: ln E ${figure.lnE.toFixed(2)} reached ${figure.threshold.toFixed(2)}`;
}

function lnEOf(gate: MetricGate, tally: Tally): number {
  if (gate.kind === 'base') {
    const { open, events } = tally[gate.metric];
    return lnEBase({ baseRate: gate.baseRate, open, events });
  }
  return lnECoin({ tolerance: gate.tolerance, strata: coinTallyOf(tally, gate.metric).strata });
}

function excessOf(gate: Extract<MetricGate, { readonly kind: 'coin' }>, tally: Tally, error: number): number {
  const { treated, control, strata } = coinTallyOf(tally, gate.metric);
  return excessUpper({
    treatedUpper: rateUpper(treated, error),
    controlUpper: rateUpper(control, error),
    thetaUpper: thetaUpper(strata, error),
  });
}

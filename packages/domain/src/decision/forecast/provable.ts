// SPDX-License-Identifier: Apache-2.0
import { HOUR_MS } from '../../kernel/time.ts';
import { PANEL_SHARE } from '../../policy/place.ts';
import type { MetricGate, MetricName, RolloutPlan } from '../../policy/rollout.ts';
import { piFor } from '../admission.ts';
import { excessUpper, rateUpper, thetaUpper } from '../bounds.ts';
import { boundError } from '../thresholds.ts';
import type { FleetBehaviour } from './behaviour.ts';
import { type Course, SAMPLE_HOURS } from './course.ts';
import { type Interval, quantile } from './interval.ts';

/** When a good release will have been shown to harm fewer devices than this, in one metric. */
export interface Provable {
  readonly metric: MetricName;
  /** Excess over the base rate, as a share of the treated devices. */
  readonly excess: number;
  /** Treated devices whose windows must have closed; absent: more than the fleet has. */
  readonly devicesNeeded?: number;
  /** Hours from the start, at the 5th, 50th and 95th of 100 courses; absent: not in this rollout. */
  readonly atHours?: Interval;
}

/** Excess failures of which a forecast says when they can be excluded. */
const EXCESSES = [0.2, 0.05, 0.02, 0.005, 0.001] as const;

/** For each metric and each excess: how many devices the rule's own bounds need, and when the plan will have had them. */
export function provableExcesses(
  plan: RolloutPlan,
  fleet: { readonly eligible: number; readonly behaviour: FleetBehaviour },
  courses: readonly Course[],
): readonly Provable[] {
  return plan.gates.metrics.flatMap((gate) =>
    EXCESSES.map((excess) => {
      const devicesNeeded = devicesToExclude(plan, { ...fleet, gate, excess });
      const atHours = devicesNeeded === undefined ? undefined : whenTreated(courses, devicesNeeded, gate);
      return {
        metric: gate.metric,
        excess,
        ...(devicesNeeded === undefined ? {} : { devicesNeeded }),
        ...(atHours === undefined ? {} : { atHours }),
      };
    }),
  );
}

/** The fewest treated devices after which the anytime bound on harm lies below `excess` if nothing is wrong. */
export function devicesToExclude(
  plan: RolloutPlan,
  asked: {
    readonly eligible: number;
    readonly behaviour: FleetBehaviour;
    readonly gate: MetricGate;
    readonly excess: number;
  },
): number | undefined {
  const { eligible, excess } = asked;
  if (eligible < 1 || excessBound(plan, asked, eligible) > excess) return undefined;
  let tooFew = 0;
  let enough = eligible;
  while (enough - tooFew > 1) {
    const middle = Math.floor((tooFew + enough) / 2);
    if (excessBound(plan, asked, middle) <= excess) enough = middle;
    else tooFew = middle;
  }
  return enough;
}

/** The bound on the excess after this many treated devices, with as many events in both arms as usual. */
function excessBound(
  plan: RolloutPlan,
  {
    gate,
    behaviour,
    eligible,
  }: { readonly gate: MetricGate; readonly behaviour: FleetBehaviour; readonly eligible: number },
  devices: number,
): number {
  const error = boundError(plan.gates.alpha);
  const rate = usualRate(gate.metric, behaviour);
  // Only the long panel is watched for a week.
  const watched = gate.metric === 'silent168' ? PANEL_SHARE * devices : devices;
  const treated = { closed: watched, events: rate * watched };
  if (gate.kind === 'base') return rateUpper(treated, error) - rate;
  const pi = piFor(devices, eligible, 0);
  const control = { closed: (watched * (1 - pi)) / pi, events: (rate * watched * (1 - pi)) / pi };
  return excessUpper({
    treatedUpper: rateUpper(treated, error),
    controlUpper: rateUpper(control, error),
    thetaUpper: thetaUpper([{ pi, eventsTreated: treated.events, eventsControl: control.events }], error),
  });
}

/** How often the event of a metric happens to a device when nothing is wrong. */
function usualRate(metric: MetricName, behaviour: FleetBehaviour): number {
  const silent = (window: 0 | 1 | 2): number =>
    behaviour.contacts.reduce((sum, one) => sum + one.share * one.silent[window], 0);
  const rates: Readonly<Record<MetricName, number>> = {
    revert: behaviour.revertRate,
    install: behaviour.installFailureRate,
    silent24: silent(0),
    silent72: silent(1),
    silent168: silent(2),
    crash24: behaviour.crashRate,
    sensor24: behaviour.sensorFaultRate,
  };
  return rates[metric];
}

/** When so many treated devices have been permitted and their windows have closed. */
function whenTreated(courses: readonly Course[], devices: number, gate: MetricGate): Interval | undefined {
  const hours = courses.flatMap((course) => {
    const sample = course.grantedSamples.findIndex((granted) => granted >= devices);
    return sample < 0 ? [] : [(sample + 1) * SAMPLE_HOURS + gate.windowMs / HOUR_MS];
  });
  const [low, median, high] = [0.05, 0.5, 0.95].map((share) => quantile(hours, share));
  const isUsual = hours.length * 10 >= courses.length * 9;
  if (!isUsual || low === undefined || median === undefined || high === undefined) return undefined;
  return { low, median, high };
}

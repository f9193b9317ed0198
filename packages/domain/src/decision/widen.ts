// SPDX-License-Identifier: Apache-2.0
import type { SegmentId } from '../kernel/ids.ts';
import { type Exposure, populationOf, type SegmentExposure } from '../policy/exposure.ts';
import type { SegmentPopulation } from '../policy/log.ts';
import type { RolloutPlan } from '../policy/rollout.ts';
import { budgetOf, downloadsFor, evidenceLimit, type Limit, piFor, segmentLimit, smallest } from './admission.ts';
import type { DecisionInput, MetricFigure, Verdict } from './decision.ts';
import type { Tally } from './tally.ts';
import { type WaveState, waveDevices, waveNow } from './waves.ts';

/**
 * The next exposure of a rollout that nothing stops: caps, level of the coin and wave go up as far as evidence and wave
 * allow, and never down. `complete` once the last wave is open and the evidence allows every device.
 */
export function widen(given: Widening): { readonly verdict: Verdict; readonly exposure: Exposure } {
  const { plan, input, tally } = given;
  const { exposure, evidence, now } = input;
  const total = populationOf(exposure);
  const admitted = exposure.segments.filter((one) => !given.halted.has(one.segment));
  const inHaltedRegions = (input.haltedPopulations ?? []).filter((one) => !given.halted.has(one.segment));
  const population = Math.max(0, devicesIn(admitted) - devicesIn(inHaltedRegions));
  const budgetDevices = budgetOf(plan.gates, total);
  const wave = waveNow(plan, exposure, {
    tally,
    population: total,
    now,
    asOf: evidence.asOf,
    lastEnrolledAt: evidence.lastEnrolledAt,
  });
  const evident = withLeftOut(
    tally,
    evidenceLimit({
      plan,
      tally,
      figures: given.figures.filter(isOverall),
      budgetDevices,
      rule: input.rule ?? 1,
    }),
  );
  const isOver = wave.isLast && evident.devices >= population;
  if (exposure.isComplete || (isOver && input.limitDevices === undefined)) return complete(given);

  const limit = smallest([evident, waveLimit(plan, wave, given), ...operatorLimit(input.limitDevices)]);
  const grantedToHalted = exposure.segments.reduce(
    (sum, one) => sum + (given.halted.has(one.segment) ? one.granted : 0),
    0,
  );
  const cap = Math.max(exposure.cap, Math.floor(limit.devices) + grantedToHalted);
  const pi = piFor(cap, population, exposure.pi);
  const downloads = Math.min(waveDevices(plan.waves[wave.waveIndex], total), downloadsFor(cap, budgetDevices, pi));
  const { holdReason: _, ...before } = exposure;
  const next: Exposure = {
    ...before,
    waveIndex: wave.waveIndex,
    waveStartedAt: wave.waveStartedAt,
    pi,
    cap,
    segments: segmentsOf(given),
    downloadsAllowed: Math.max(exposure.downloadsAllowed, downloads),
  };
  if (cap > exposure.cap)
    return { verdict: { kind: 'admit', reason: `Cap raised to ${cap}: ${limit.because}` }, exposure: next };
  const reason = `Cap stays at ${cap}: ${limit.because}${wave.waitsFor === undefined ? '' : `; ${wave.waitsFor}`}`;
  const kind = exposure.granted < Math.min(cap, input.limitDevices ?? cap) ? 'admit' : 'hold';
  return { verdict: { kind, reason }, exposure: { ...next, holdReason: reason } };
}

/** What the next exposure is made from. */
export interface Widening {
  readonly plan: RolloutPlan;
  readonly input: DecisionInput;
  /** Of all segments that are not halted. */
  readonly tally: Tally;
  readonly tallies: ReadonlyMap<SegmentId, Tally>;
  readonly figures: readonly MetricFigure[];
  readonly halted: ReadonlySet<SegmentId>;
  /** Segments that may not widen now, each for a reason in its verdict. */
  readonly held: ReadonlySet<SegmentId>;
}

function complete({ plan, input, halted }: Widening) {
  // Approvers may have completed it before the evidence would have.
  const reason = input.exposure.isComplete ? 'All are released' : 'The evidence allows every device: all are released';
  const verdict: Verdict = { kind: 'complete', reason };
  return { verdict, exposure: completeExposure(plan, input.exposure, halted) };
}

/**
 * The exposure of a rollout in which all are released: the coin is 1 and the control arm is free when its windows close. The
 * caps stay a budget ahead of what is granted, so that devices that join late get the release too.
 */
export function completeExposure(plan: RolloutPlan, before: Exposure, halted: ReadonlySet<SegmentId>): Exposure {
  const { holdReason: _, ...exposure } = before;
  const population = populationOf(exposure);
  const budgetDevices = budgetOf(plan.gates, population);
  return {
    ...exposure,
    pi: 1,
    cap: Math.max(exposure.cap, Math.max(population, exposure.granted) + budgetDevices),
    segments: exposure.segments.map((one) =>
      halted.has(one.segment)
        ? one
        : { ...one, cap: Math.max(one.cap, Math.max(one.population, one.granted) + budgetDevices) },
    ),
    downloadsAllowed: population,
    isComplete: true,
  };
}

/** Permits that count for no test were given, and the evidence allows its devices beside them. */
function withLeftOut({ leftOut }: Tally, { devices, because }: Limit): Limit {
  if (leftOut.treated === 0) return { devices, because };
  return { devices: devices + leftOut.treated, because: `${because}, beside ${leftOut.treated} that are left out` };
}

/** A person's ceiling. What was granted above it stays granted; the store gives nothing beyond it, whatever the cap. */
function operatorLimit(limitDevices: number | undefined): readonly Limit[] {
  if (limitDevices === undefined) return [];
  return [{ devices: limitDevices, because: `the operator allows ${limitDevices} devices` }];
}

/** The ceiling of the wave, in treated permits: devices of its prefix, and what rings have beside it. */
function waveLimit(plan: RolloutPlan, wave: WaveState, { input, tally }: Widening): Limit {
  const current = plan.waves[wave.waveIndex];
  const population = populationOf(input.exposure);
  if (current === undefined || current.exposurePermille === 0) {
    return { devices: population, because: `the rings have ${population} devices at most` };
  }
  const devices = waveDevices(current, population) + tally.treatedWithoutCoin + tally.leftOut.treatedWithoutCoin;
  return { devices, because: `wave ${current.name} allows ${devices} devices` };
}

function segmentsOf({ plan, input, tallies, figures, halted, held }: Widening): readonly SegmentExposure[] {
  const bounds = new Map(figures.filter((one) => one.metric === 'revert').map((one) => [one.segment, one.harmUpper]));
  return input.exposure.segments.map((one) => {
    const tally = tallies.get(one.segment);
    if (tally === undefined || halted.has(one.segment) || held.has(one.segment)) return one;
    const counted = segmentLimit(plan.gates, tally.revert, bounds.get(one.segment) ?? 1);
    const allowed = Math.floor(counted) + tally.leftOut.treated;
    return allowed > one.cap ? { ...one, cap: allowed } : one;
  });
}

function devicesIn(parts: readonly SegmentPopulation[]): number {
  return parts.reduce((sum, one) => sum + one.population, 0);
}

function isOverall(figure: MetricFigure): boolean {
  return figure.segment === undefined;
}

// SPDX-License-Identifier: Apache-2.0
import { decideWithoutShown } from '@outrider/domain/decision/decide';
import type { Decision, Verdict } from '@outrider/domain/decision/decision';
import { RULE_NOW } from '@outrider/domain/decision/rule';
import { startExposure } from '@outrider/domain/decision/start-exposure';
import { count, emptyEvidence, restartInstallCounts } from '@outrider/domain/evidence/count';
import type { Evidence, EvidenceEvent } from '@outrider/domain/evidence/evidence';
import type { SegmentId } from '@outrider/domain/kernel/ids';
import { type Prng, prng } from '@outrider/domain/kernel/prng';
import { type FleetInstant, fleetInstant, MINUTE_MS } from '@outrider/domain/kernel/time';
import type { Exposure } from '@outrider/domain/policy/exposure';
import type { RolloutPlan } from '@outrider/domain/policy/rollout';
import { admit } from './admit.ts';
import { enrolledInStep } from './enrolled.ts';
import { askingNow, createFleet, type Fleet, LEVELS, moveFleet, ORIGINS, type Pool, takeEnrolled } from './fleet.ts';
import { createOutcomes, enrolCohort, type Outcomes, reportedIn } from './outcomes.ts';
import { ONE_WAVE, planOf } from './plan.ts';
import { drawWeather, STEP_MINUTES, STEPS_PER_DAY, STEPS_PER_HOUR } from './weather.ts';
import type { World } from './world.ts';

/** How one rollout ended under one rule. Devices and hours are as the world knows them, not as the rule does. */
export interface Run {
  /** What stopped it for good, or undefined. */
  readonly stop?: { readonly hours: number; readonly reason: string };
  readonly harmed: number;
  readonly treated: number;
  /** Days until 95 % of the fleet had confirmed the release; absent when that did not happen. */
  readonly daysTo95?: number;
  /** Times the rule paused for a person to look, who found nothing and let it go on. */
  readonly pauses: number;
  readonly haltedSegments: number;
}

export interface PlayOptions {
  readonly world: World;
  readonly devices: number;
  readonly seed: string;
  readonly daysMax: number;
  /** Absent: the coin draws the control arm. `slow-callers`: whoever calls rarely is put there, as in a broken pipeline. */
  readonly control?: 'drawn' | 'slow-callers';
  /** Called after every decision, for those who want to watch. */
  readonly watch?: (seen: { readonly step: number; readonly decision: Decision; readonly evidence: Evidence }) => void;
}

/** Plays one rollout of a world under the shipped rule, in steps of ten minutes, until it is stopped or nearly all have it. */
export function play(options: PlayOptions): Run {
  const run = startRun(options);
  const steps = Math.round(options.daysMax * STEPS_PER_DAY);
  for (let step = 1; step <= steps; step++) {
    const moment = { step, now: fleetInstant(step * STEP_MINUTES * MINUTE_MS) };
    playStep(run, moment);
    options.watch?.({ step, decision: run.decision, evidence: run.evidence });
    if (run.stop !== undefined || run.outcomes.confirmed >= END_SHARE * options.devices) break;
  }
  return {
    ...(run.stop === undefined ? {} : { stop: run.stop }),
    harmed: run.outcomes.harmed,
    treated: run.exposure.granted,
    ...(run.daysTo95 === undefined ? {} : { daysTo95: run.daysTo95 }),
    pauses: run.pauses,
    haltedSegments: run.haltedSegments.length,
  };
}

/** Nothing that a rule could still prevent happens after this share of the fleet has the release. */
export const END_SHARE = 0.985;
/** "95 % of the fleet": confirmed boots. */
export const DONE_SHARE = 0.95;
/** How long a person takes to look at a pause of `install`, find that it was not the release, and sign the restart. */
const LOOK_STEPS = 6 * STEPS_PER_HOUR;

interface State {
  readonly world: World;
  readonly control: 'drawn' | 'slow-callers';
  readonly beforeSource: Prng;
  readonly plan: RolloutPlan;
  readonly fleet: Fleet;
  readonly outcomes: Outcomes;
  readonly devices: number;
  readonly segments: readonly SegmentId[];
  exposure: Exposure;
  evidence: Evidence;
  decision: Decision;
  haltedSegments: readonly SegmentId[];
  pausedToStep: number;
  pauses: number;
  stop: Run['stop'];
  daysTo95: number | undefined;
}

interface Moment {
  readonly step: number;
  readonly now: FleetInstant;
}

function startRun({ world, devices, seed, control = 'drawn' }: PlayOptions): State {
  const source = prng(`${world.name}/${devices}/${seed}`);
  const plan = { ...planOf(seed), waves: ONE_WAVE, ...world.planChange };
  const fleet = createFleet(world, devices, source.fork('fleet'));
  const segments = world.segmentShares.map((_, index) => `segment-${index + 1}` as SegmentId);
  const populations = segments.map((segment, index) => ({ segment, population: fleet.populations[index] ?? 0 }));
  const now = fleetInstant(0);
  const exposure = startExposure({ plan, populations, ringDevices: 0, now });
  const evidence = emptyEvidence(plan, now);
  const weather = drawWeather(world, source.fork('weather'));
  return {
    world,
    control,
    beforeSource: source.fork('before'),
    plan,
    fleet,
    outcomes: createOutcomes(world, { weather, source: source.fork('outcomes'), segments }),
    devices,
    segments,
    exposure,
    evidence,
    decision: decideWithoutShown(plan, { evidence, exposure, now, rule: RULE_NOW }),
    haltedSegments: [],
    pausedToStep: 0,
    pauses: 0,
    stop: undefined,
    daysTo95: undefined,
  };
}

function playStep(run: State, moment: Moment): void {
  const reported = reportedIn(run.outcomes, moment, STRATUM_PI);
  moveFleet(run.fleet, moment.step, run.exposure.downloadsAllowed / run.devices);
  const enrolled = moment.step <= run.pausedToStep ? [] : enrol(run, moment);
  run.evidence = count(run.evidence, [...reported, ...enrolled], moment.now);
  if (run.daysTo95 === undefined && run.outcomes.confirmed >= DONE_SHARE * run.devices) {
    run.daysTo95 = moment.step / STEPS_PER_DAY;
  }
  if (moment.step < run.pausedToStep) return;
  if (moment.step === run.pausedToStep) run.evidence = restartInstallCounts(run.evidence, moment.now);
  const { evidence, exposure, haltedSegments } = run;
  run.decision = decideWithoutShown(run.plan, { evidence, exposure, now: moment.now, haltedSegments, rule: RULE_NOW });
  obey(run, moment, run.decision.overall);
}

function obey(run: State, { step }: Moment, verdict: Verdict): void {
  run.exposure = run.decision.exposure;
  run.haltedSegments = run.decision.segments.flatMap((one) => (one.verdict.kind === 'halt' ? [one.segment] : []));
  const { reason } = verdict;
  if (verdict.kind === 'halt') run.stop = { hours: step / STEPS_PER_HOUR, reason };
  if (verdict.kind !== 'pause') return;
  // A failure to install harms nobody and has an outage for its likely cause; reverts of the breaker are the release's own.
  if (reason.includes('Breaker')) run.stop = { hours: step / STEPS_PER_HOUR, reason };
  run.pausedToStep = step + LOOK_STEPS;
  run.pauses += 1;
}

/** The permits of one step, within the caps as they were decided in the step before. */
function enrol(run: State, { step, now }: Moment): readonly EvidenceEvent[] {
  const { exposure, fleet, segments } = run;
  const level = LEVELS.indexOf(exposure.pi);
  const caps = {
    overall: exposure.cap - exposure.granted,
    segments: Float64Array.from(exposure.segments, (one) =>
      run.haltedSegments.includes(one.segment) ? 0 : one.cap - one.granted,
    ),
  };
  const before = { overall: caps.overall, segments: Float64Array.from(caps.segments) };
  const enrolled = enrolledInStep(run.world, run.beforeSource);
  admit(fleet.source, askingNow(fleet, level), caps, {
    chanceOf: (pool) => treatedChance(run, pool, STRATUM_PI[stratumOf(pool, level)] ?? 1),
    enrol: (pool, treated, control) => {
      const stratum = stratumOf(pool, level);
      const pi = STRATUM_PI[stratum] ?? 1;
      const windowSteps = (pool.isPanel ? 168 : 72) * STEPS_PER_HOUR;
      takeEnrolled(fleet, pool, { step, level, treated, control, windowSteps });
      enrolCohort(run.outcomes, { pool, step, stratum, pi, treated, control });
      enrolled.add({ pool, pi, treated, control });
    },
  });
  run.exposure = {
    ...exposure,
    granted: exposure.granted + before.overall - caps.overall,
    segments: exposure.segments.map((one, index) => ({
      ...one,
      granted: one.granted + (before.segments[index] ?? 0) - (caps.segments[index] ?? 0),
    })),
  };
  return enrolled.events(segments, now);
}

/** A control arm that is not drawn: the slow callers are never treated, and the others as often as keeps the arms' sizes. */
function treatedChance({ world, control }: State, pool: Pool, pi: number): number {
  if (control === 'drawn' || pi >= 1) return pi;
  const slowest = world.contacts.length - 1;
  return pool.contact === slowest ? 0 : Math.min(1, pi / (1 - (world.contacts[slowest]?.share ?? 0)));
}

function stratumOf(pool: Pool, level: number): number {
  return pool.origin * LEVELS.length + level;
}

/** Effective probability of the treated arm, by stratum: as `answerPermit` computes it for the ledger row. */
const STRATUM_PI: readonly number[] = Array.from({ length: ORIGINS }, (_, origin) =>
  LEVELS.map((pi) => {
    const piBefore = origin === 0 ? 0 : (LEVELS[origin - 1] ?? 0);
    return pi <= piBefore ? 1 : (pi - piBefore) / (1 - piBefore);
  }),
).flat();

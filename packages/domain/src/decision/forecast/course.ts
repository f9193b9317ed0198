// SPDX-License-Identifier: Apache-2.0
import { present } from '../../kernel/assert.ts';
import type { SegmentId } from '../../kernel/ids.ts';
import type { Prng } from '../../kernel/prng.ts';
import { type FleetInstant, fleetInstant, HOUR_MS } from '../../kernel/time.ts';
import { type Exposure, populationOf } from '../../policy/exposure.ts';
import type { RolloutPlan } from '../../policy/rollout.ts';
import { decideWithoutShown } from '../decide.ts';
import { RULE_NOW } from '../rule.ts';
import { startExposure } from '../start-exposure.ts';
import type { FleetBehaviour } from './behaviour.ts';
import type { CountedFleet } from './counted-fleet.ts';
import { admitAsking } from './course-admission.ts';
import { type CourseEvidence, createCourseEvidence, hear, restartInstall } from './course-evidence.ts';
import { type CourseFleet, createCourseFleet, moveFleet, STEP_HOURS } from './course-fleet.ts';
import type { Defect } from './defect.ts';
import type { FreezeCalendar } from './freeze-calendar.ts';
import { ceilingOf, type ForecastOrders, isCharterOver } from './orders.ts';
import { waveEnds } from './wave-place.ts';

/** One way in which a rollout may go. Times are hours since its start. */
export interface Course {
  /** What ended it before its time, as the verdict says it. */
  readonly stop?: { readonly atHours: number; readonly reason: string };
  /** For each wave that was opened, in order. */
  readonly waves: readonly WaveMark[];
  readonly completeAtHours?: number;
  /** When 95 and 99 % of the eligible devices had a confirmed boot. */
  readonly verified95AtHours?: number;
  readonly verified99AtHours?: number;
  /** Treated permits and fetched bytes at its end. */
  readonly granted: number;
  readonly fetchedBytes: number;
  readonly harmed: number;
  /** Treated permits at the end of each `SAMPLE_HOURS`. */
  readonly grantedSamples: readonly number[];
}

/** When a wave was opened, and what there was when it ended: as the next one opened, or all were released. */
export interface WaveMark {
  readonly openedAtHours: number;
  readonly granted: number;
  readonly fetchedBytes: number;
  readonly hasEnded: boolean;
}

/** What a course is played with: a plan, a counted fleet, how it lives, and what is wrong with the release, if anything. */
export interface CourseOptions {
  readonly plan: RolloutPlan;
  readonly fleet: CountedFleet;
  readonly behaviour: FleetBehaviour;
  readonly defect?: Defect;
  readonly source: Prng;
  readonly daysMax: number;
  /** What people have ordered, and when the course begins by the clock that their orders name. Absent: nothing. */
  readonly ordered?: OrderedCourse;
}

/** Orders as a course meets them. */
export interface OrderedCourse {
  readonly orders: ForecastOrders;
  readonly startsAt: FleetInstant;
  readonly calendar: FreezeCalendar;
}

/** How far apart `grantedSamples` are. */
export const SAMPLE_HOURS = 6;

/**
 * Plays one rollout with the shipped rule on numbers of devices alike, in steps of half an hour. What is left out of it: the
 * plain breaker, approvers, outages and the swing of the day. Source: the worlds of design/decision.md.
 */
export function runCourse(options: CourseOptions): Course {
  const run = startRun(options);
  const steps = stepsOf(options.daysMax);
  for (let step = 1; step <= steps; step++) {
    playStep(run, step);
    if (run.stop !== undefined || run.verified99AtHours !== undefined || isOver(run, step)) break;
  }
  const { stop, completeAtHours, verified95AtHours, verified99AtHours } = run;
  return {
    ...(stop === undefined ? {} : { stop }),
    ...(completeAtHours === undefined ? {} : { completeAtHours }),
    ...(verified95AtHours === undefined ? {} : { verified95AtHours }),
    ...(verified99AtHours === undefined ? {} : { verified99AtHours }),
    waves: run.waves,
    granted: run.exposure.granted,
    fetchedBytes: run.fleet.fetchedBytes,
    harmed: run.evidence.harmed,
    grantedSamples: run.grantedSamples,
  };
}

/** Steps of a course of so many days. */
export function stepsOf(days: number): number {
  return Math.round((days * 24) / STEP_HOURS);
}

/** In the first two days each step decides, later each hour; once all are released only a halt is left to be decided. */
function decideEverySteps(run: Run, step: number): number {
  if (run.exposure.isComplete) return 6 / STEP_HOURS;
  return step <= 48 / STEP_HOURS ? 1 : 1 / STEP_HOURS;
}

/**
 * Whether nothing will happen any more: a ceiling of people is full, or their charter is over, every outcome has been heard,
 * and no wave has waited for less than its bake time.
 */
function isOver({ options: { plan, ordered }, exposure, evidence, movedAtStep }: Run, step: number): boolean {
  if (ordered === undefined || evidence.later.size > 0) return false;
  const isFull = exposure.granted >= ceilingOf(ordered.orders, exposure.waveIndex);
  if (!isFull && !isCharterOver(ordered.orders, ordered.startsAt + step * STEP_HOURS * HOUR_MS)) return false;
  const longestBakeMs = Math.max(...plan.waves.map((one) => one.bakeMs));
  return (step - movedAtStep) * STEP_HOURS > 24 + longestBakeMs / HOUR_MS;
}

/** How long a person takes to look at a pause, find that it was not the release, and sign the restart. */
const LOOK_STEPS = 6 / STEP_HOURS;

interface Run {
  readonly options: CourseOptions;
  readonly fleet: CourseFleet;
  readonly evidence: CourseEvidence;
  readonly population: number;
  readonly eligible: number;
  readonly ends: readonly number[];
  readonly waves: WaveMark[];
  readonly grantedSamples: number[];
  exposure: Exposure;
  haltedSegments: readonly SegmentId[];
  pausedToStep: number;
  /** When a permit was last given, or a wave opened. */
  movedAtStep: number;
  stop: Course['stop'];
  completeAtHours: number | undefined;
  verified95AtHours: number | undefined;
  verified99AtHours: number | undefined;
}

function startRun(options: CourseOptions): Run {
  const { plan, fleet: counted, behaviour, defect, source } = options;
  const fleet = createCourseFleet(counted, behaviour, source.fork('fleet'));
  const { populations, ringDevices } = counted;
  const exposure = startExposure({ plan, populations, ringDevices, now: fleetInstant(0) });
  const population = populationOf(exposure);
  const sizes = populations.map((one) => one.population);
  const place = { segments: fleet.segments, smallestSegment: sizes.indexOf(Math.min(...sizes)) };
  return {
    options,
    fleet,
    evidence: createCourseEvidence(plan, place, { behaviour, defect, source: source.fork('outcomes') }),
    population,
    eligible: counted.classes.reduce((sum, one) => sum + one.devices, 0),
    ends: waveEnds(plan, population),
    waves: Array.from({ length: exposure.waveIndex + 1 }, () => openWave(0)),
    grantedSamples: [],
    exposure,
    haltedSegments: options.ordered?.orders.rollout?.haltedSegments ?? [],
    pausedToStep: 0,
    movedAtStep: 0,
    stop: undefined,
    completeAtHours: undefined,
    verified95AtHours: undefined,
    verified99AtHours: undefined,
  };
}

function playStep(run: Run, step: number): void {
  const { evidence, fleet, exposure } = run;
  const { ordered } = run.options;
  const atHours = step * STEP_HOURS;
  const now = fleetInstant(atHours * HOUR_MS);
  const { waveIndex } = exposure;
  const byTheClock = fleetInstant((ordered?.startsAt ?? 0) + now);
  const hasNoCharter = ordered !== undefined && isCharterOver(ordered.orders, byTheClock);
  hear(evidence, step);
  moveFleet(fleet, step, {
    waveIndex,
    ends: run.ends,
    prefixShare: prefixShareOf(run),
    now: byTheClock,
    isOver: hasNoCharter,
  });
  const isPaused = step < run.pausedToStep || hasNoCharter;
  const ceiling = ordered === undefined ? Number.POSITIVE_INFINITY : ceilingOf(ordered.orders, waveIndex);
  const isFrozen = (freeze: number): boolean => ordered?.calendar.isFrozen(freeze, step) === true;
  run.exposure = admitAsking({ ...run, isPaused, ceiling, isFrozen }, step, now);
  evidence.shown.asOf = now;
  if (evidence.confirmed >= 0.95 * run.eligible) run.verified95AtHours ??= atHours;
  if (evidence.confirmed >= 0.99 * run.eligible) run.verified99AtHours ??= atHours;
  if (step === run.pausedToStep) restartInstall(evidence);
  if (step >= run.pausedToStep && step % decideEverySteps(run, step) === 0) judge(run, step, now);
  if (run.exposure.granted !== exposure.granted || run.exposure.waveIndex !== waveIndex) run.movedAtStep = step;
  noteWave(run, atHours);
  if (atHours % SAMPLE_HOURS === 0) run.grantedSamples.push(run.exposure.granted);
}

/** As `thresholdOf` in gateway/candidate.ts. */
function prefixShareOf({ exposure, options, population }: Run): number {
  if (exposure.isComplete) return 1;
  const wave = options.plan.waves[exposure.waveIndex];
  if (wave === undefined || wave.exposurePermille === 0) return 0;
  return Math.min(1, exposure.downloadsAllowed / Math.max(1, population));
}

function judge(run: Run, step: number, now: FleetInstant): void {
  const { exposure, haltedSegments, evidence } = run;
  const { plan, fleet, ordered } = run.options;
  const { limitDevices } = ordered?.orders.rollout ?? {};
  const decision = decideWithoutShown(plan, {
    evidence: evidence.shown,
    exposure,
    now,
    haltedSegments,
    ...(fleet.haltedPopulations.length === 0 ? {} : { haltedPopulations: fleet.haltedPopulations }),
    ...(limitDevices === undefined ? {} : { limitDevices }),
    rule: RULE_NOW,
  });
  run.exposure = decision.exposure;
  run.haltedSegments = decision.segments.flatMap((one) => (one.verdict.kind === 'halt' ? [one.segment] : []));
  const { kind, reason } = decision.overall;
  if (kind === 'halt') run.stop = { atHours: step * STEP_HOURS, reason };
  if (kind === 'pause') run.pausedToStep = step + LOOK_STEPS;
}

function noteWave(run: Run, atHours: number): void {
  const { exposure, waves, fleet } = run;
  const isNewlyComplete = exposure.isComplete && run.completeAtHours === undefined;
  if (exposure.waveIndex + 1 > waves.length || isNewlyComplete) {
    const last = waves.length - 1;
    const ended = { granted: exposure.granted, fetchedBytes: fleet.fetchedBytes, hasEnded: true };
    waves[last] = { ...present(waves[last], 'an open wave'), ...ended };
  }
  if (exposure.waveIndex + 1 > waves.length) waves.push(openWave(atHours));
  if (isNewlyComplete) run.completeAtHours = atHours;
}

function openWave(openedAtHours: number): WaveMark {
  return { openedAtHours, granted: 0, fetchedBytes: 0, hasEnded: false };
}

// SPDX-License-Identifier: Apache-2.0
import type { Delta } from '../../delta/delta.ts';
import type { ReleaseId, RolloutId } from '../../kernel/ids.ts';
import { prng } from '../../kernel/prng.ts';
import { DAY_MS, type FleetInstant, HOUR_MS } from '../../kernel/time.ts';
import type { RolloutPlan } from '../../policy/rollout.ts';
import type { ReleaseManifest } from '../../release/release.ts';
import { type FleetBehaviour, STATED_BEHAVIOUR } from './behaviour.ts';
import type { CountedFleet } from './counted-fleet.ts';
import { type Course, type CourseOptions, runCourse, stepsOf } from './course.ts';
import { STEP_HOURS } from './course-fleet.ts';
import { type DefectForecast, forecastDefects } from './defect-forecast.ts';
import { type ForecastFloors, floorLimits } from './floor-limits.ts';
import { freezeCalendar } from './freeze-calendar.ts';
import { CONFIDENCE_PERCENT, type Interval, jointIntervals, type Sampled } from './interval.ts';
import { type Measured, type Missing, missingOf } from './missing.ts';
import { type OrderLimit, orderLimits } from './order-limits.ts';
import { type ForecastOrders, NO_FORECAST_ORDERS } from './orders.ts';
import { type Provable, provableExcesses } from './provable.ts';
import { type Traffic, type TrafficPrice, trafficOf } from './traffic.ts';

/** What a plan will do, said before it does anything. Instants are fleet time; bytes and devices are counts. */
export interface Forecast {
  readonly rolloutId: RolloutId;
  readonly releaseId: ReleaseId;
  readonly at: FleetInstant;
  /** Devices of the audience, and those of them that can get the release. */
  readonly population: number;
  readonly eligible: number;
  /** Probability in percent that all intervals below hold at once, if the release is good. */
  readonly confidencePercent: number;
  readonly waves: readonly WaveForecast[];
  /** Everything that is fetched until the last device has it. */
  readonly traffic: Traffic;
  /** When all are released, and when 95 and 99 % of the eligible devices run it; absent: not within the horizon. */
  readonly completesAt?: Interval;
  readonly verified95At?: Interval;
  readonly verified99At?: Interval;
  /** Good courses that the rule stopped nevertheless, of all that were played. */
  readonly stopped: { readonly courses: number; readonly of: number };
  readonly provable: readonly Provable[];
  readonly defects: readonly DefectForecast[];
  readonly missing: readonly Missing[];
  /** Floors that bar the release or its way back, then orders that keep devices out or make them wait: what is said above reckons with the latter. */
  readonly limits: readonly OrderLimit[];
}

/** One wave: who lies in it is exact, by the hash; when it opens and what it will have done is expected. */
export interface WaveForecast {
  readonly name: string;
  /** Devices that this wave adds, and all up to it. A device that is granted in this wave is one of the latter. */
  readonly devices: number;
  readonly devicesUpTo: number;
  readonly traffic: Traffic;
  readonly opensAt?: Interval;
  /** Permits given, and bytes fetched, until the next wave opens or all are released. */
  readonly granted?: Interval;
  readonly fetchedBytes?: Interval;
}

/** What a forecast is made from. */
export interface ForecastInput {
  readonly plan: RolloutPlan;
  readonly release: ReleaseManifest;
  /** To the images of the release and of its rollback twin. */
  readonly deltas: readonly Delta[];
  readonly fleet: CountedFleet;
  /** How the fleet lives; absent: the stated values of the design. */
  readonly behaviour?: FleetBehaviour;
  /** What of it was measured on this fleet; absent: nothing. */
  readonly measured?: readonly Measured[];
  /** What people have ordered: the fleet was counted under the same. Absent: nothing. */
  readonly orders?: ForecastOrders;
  /** Absent: there are no repositories, and so no floors. */
  readonly floors?: ForecastFloors;
  readonly isApproved: boolean;
  readonly price?: TrafficPrice;
  readonly now: FleetInstant;
  /** How many courses of a good release are played; 40 unless said otherwise. */
  readonly courses?: number;
  /** How many courses of each defect; 20 unless said otherwise, 0 for none. */
  readonly defectCourses?: number;
}

/**
 * What this plan will do to this fleet: exact where the hash decides (devices of each wave), played with the shipped rule
 * where chance does (dates, permits, bytes, harm). Deterministic: the same input gives the same forecast.
 */
export function forecast(input: ForecastInput): Forecast {
  const { plan, release, fleet, now, price, behaviour = STATED_BEHAVIOUR } = input;
  const population = fleet.populations.reduce((sum, one) => sum + one.population, 0);
  const eligible = fleet.classes.reduce((sum, one) => sum + one.devices, 0);
  const { orders = NO_FORECAST_ORDERS } = input;
  const calendar = freezeCalendar(fleet.freezes, now, { steps: stepsOf(HORIZON_DAYS) });
  const ordered = { orders, startsAt: now, calendar };
  const options = { plan, fleet, behaviour, daysMax: HORIZON_DAYS, ordered };
  const seed = `forecast/${plan.salt}`;
  const all = playCourses(options, { seed, courses: eligible === 0 ? 0 : (input.courses ?? COURSES) });
  const good = all.filter((one) => one.stop === undefined);
  const provable = provableExcesses(plan, { eligible, behaviour }, good);
  const defectCourses = eligible === 0 ? 0 : (input.defectCourses ?? DEFECT_COURSES);
  return {
    rolloutId: plan.rolloutId,
    releaseId: release.releaseId,
    at: now,
    population,
    eligible,
    confidencePercent: CONFIDENCE_PERCENT,
    traffic: trafficOf(fleet.classes, price),
    ...expectations(input, good),
    stopped: { courses: all.length - good.length, of: all.length },
    provable,
    defects: defectCourses === 0 ? [] : forecastDefects({ ...options, seed, courses: defectCourses }),
    missing: missingOf({ ...input, measured: input.measured ?? [], provable }),
    limits: [...floorLimits(release, input.floors ?? {}), ...orderLimits(orders, fleet)],
  };
}

/** Enough for intervals of 90 %, and a few seconds on one core for a fleet of any size. */
const COURSES = 40;
/** Enough for a median and "one in twenty". */
const DEFECT_COURSES = 20;
/** A rollout that takes longer is not forecast to its end. */
const HORIZON_DAYS = 60;

function playCourses(
  options: Omit<CourseOptions, 'source'>,
  { seed, courses }: { readonly seed: string; readonly courses: number },
): readonly Course[] {
  return Array.from({ length: courses }, (_, index) => runCourse({ ...options, source: prng(`${seed}/${index}`) }));
}

/** The waves with their intervals, and the dates of the whole. */
function expectations({ plan, fleet, now, price, orders }: ForecastInput, courses: readonly Course[]) {
  const eligible = fleet.classes.reduce((sum, one) => sum + one.devices, 0);
  const grantedMax = Math.min(eligible, orders?.rollout?.limitDevices ?? eligible);
  const bytesResolution = Math.max(0, ...fleet.classes.map((one) => one.bytesEach));
  const hours = (of: (course: Course) => number | undefined): Sampled => ({
    values: courses.map(of),
    resolution: STEP_HOURS,
  });
  const counts = (resolution: number, of: (course: Course) => number | undefined): Sampled => ({
    values: courses.map(of),
    resolution,
  });
  const ofWaves = plan.waves.flatMap((_, index) => [
    hours((one) => one.waves[index]?.openedAtHours),
    counts(1, (one) => endOf(one, index)?.granted),
    counts(bytesResolution, (one) => endOf(one, index)?.fetchedBytes),
  ]);
  const ofWhole = [
    hours((one) => one.completeAtHours),
    hours((one) => one.verified95AtHours),
    hours((one) => one.verified99AtHours),
  ];
  const intervals = jointIntervals([...ofWaves, ...ofWhole]);
  const [completesAt, verified95At, verified99At] = intervals.slice(ofWaves.length).map((one) => instants(one, now));
  const waves = plan.waves.map(({ name }, index): WaveForecast => {
    const own = fleet.classes.filter((one) => one.waveIndex === index);
    const upTo = fleet.classes.filter((one) => one.waveIndex <= index);
    const opensAt = instants(intervals[3 * index], now);
    const granted = atMost(wholeNumbers(intervals[3 * index + 1]), grantedMax);
    const fetchedBytes = wholeNumbers(intervals[3 * index + 2]);
    return {
      name,
      devices: own.reduce((sum, one) => sum + one.devices, 0),
      devicesUpTo: upTo.reduce((sum, one) => sum + one.devices, 0),
      traffic: trafficOf(own, price),
      ...(opensAt === undefined ? {} : { opensAt }),
      ...(granted === undefined ? {} : { granted }),
      ...(fetchedBytes === undefined ? {} : { fetchedBytes }),
    };
  });
  return {
    waves,
    ...(completesAt === undefined ? {} : { completesAt }),
    ...(verified95At === undefined ? {} : { verified95At }),
    ...(verified99At === undefined ? {} : { verified99At }),
  };
}

function endOf(course: Course, index: number): Course['waves'][number] | undefined {
  const wave = course.waves[index];
  return wave?.hasEnded ? wave : undefined;
}

/** From hours since the start to instants; nothing begins before now. */
function instants(interval: Interval | undefined, now: FleetInstant): Interval | undefined {
  if (interval === undefined) return undefined;
  const at = (hours: number): number => now + Math.round(Math.min(Math.max(0, hours) * HOUR_MS, MOST_DAYS * DAY_MS));
  return { low: at(interval.low), median: at(interval.median), high: at(interval.high) };
}

/** An interval may reach beyond the horizon, but not beyond what a date can say. */
const MOST_DAYS = 10 * HORIZON_DAYS;

/** An interval comes from a spread, which knows nothing of what cannot be exceeded. */
function atMost(interval: Interval | undefined, most: number): Interval | undefined {
  return interval === undefined ? undefined : { ...interval, high: Math.min(interval.high, most) };
}

function wholeNumbers(interval: Interval | undefined): Interval | undefined {
  if (interval === undefined) return undefined;
  const { low, median, high } = interval;
  return { low: Math.max(0, Math.floor(low)), median: Math.round(median), high: Math.ceil(high) };
}

// SPDX-License-Identifier: Apache-2.0

import { binomial } from '../../kernel/binomial.ts';
import type { SegmentId } from '../../kernel/ids.ts';
import type { FleetInstant } from '../../kernel/time.ts';
import type { Exposure } from '../../policy/exposure.ts';
import { at, type CourseEvidence, enrolCohort, windowHours } from './course-evidence.ts';
import { type Asking, askAgain, type CourseFleet, comeBack, STEP_HOURS, takeAsking } from './course-fleet.ts';
import { FRESH, LEVELS, mayEnrol, type Pool, RING } from './course-places.ts';

/** A course in the moment of its permits. */
export interface Admitting {
  readonly fleet: CourseFleet;
  readonly evidence: CourseEvidence;
  readonly exposure: Exposure;
  readonly haltedSegments: readonly SegmentId[];
  readonly isPaused: boolean;
  /** Treated permits that people allow, whatever the caps of the rule; infinite: no ceiling. */
  readonly ceiling: number;
  /** By the index of a freeze: whether it holds now. */
  readonly isFrozen: (freeze: number) => boolean;
}

/** The permits of one step, within the caps as they were decided before; gives the exposure with what was granted. */
export function admitAsking(course: Admitting, step: number, now: FleetInstant): Exposure {
  const { exposure, fleet } = course;
  const asking = takeAsking(fleet, step);
  if (asking.length === 0) return exposure;
  const left: CapsLeft = {
    overall: course.isPaused ? 0 : Math.max(0, Math.min(exposure.cap, course.ceiling) - exposure.granted),
    segments: exposure.segments.map((one) => (course.haltedSegments.includes(one.segment) ? 0 : one.cap - one.granted)),
  };
  const granted = [...left.segments];
  const overallBefore = left.overall;
  const level = LEVELS.indexOf(exposure.pi);
  const frozen = fleet.places.map((one) => one.freezes.some(course.isFrozen));
  const eager = asking.filter(({ pool, devices }) => {
    if (frozen[pool.place] === true) {
      askAgain(fleet, step, { pool, devices, meanHours: CAP_FULL_HOURS });
      return false;
    }
    if (mayEnrol(pool, level)) return true;
    askAgain(fleet, step, { pool, devices, meanHours: CONTROL_HOURS });
    return false;
  });
  admit(course, eager, { left, step, level, now });
  return {
    ...exposure,
    granted: exposure.granted + overallBefore - left.overall,
    segments: exposure.segments.map((one, index) => ({
      ...one,
      granted: one.granted + (granted[index] ?? 0) - (left.segments[index] ?? 0),
    })),
  };
}

/** What the server says to a device that finds a full cap or a freeze, and to a control (gateway/poll.ts). */
const CAP_FULL_HOURS = 6;
const CONTROL_HOURS = 12;

interface CapsLeft {
  overall: number;
  readonly segments: number[];
}

interface Admission {
  readonly left: CapsLeft;
  readonly step: number;
  readonly level: number;
  readonly now: FleetInstant;
}

/**
 * Enrols devices in a random order until a cap is reached. Those who ask are halved until all of a part fit even if the coin
 * treats each of them: then the order within the part does not matter.
 */
function admit(course: Admitting, asking: readonly Asking[], admission: Admission): void {
  const { left, step } = admission;
  const open: Asking[] = [];
  for (const one of asking) {
    if (left.overall > 0 && (left.segments[one.pool.segment] ?? 0) > 0) open.push(one);
    else askAgain(course.fleet, step, { ...one, meanHours: CAP_FULL_HOURS });
  }
  if (open.length === 0) return;
  if (fits(open, left)) {
    for (const one of open) toss(course, one, admission);
    return;
  }
  const first = open.map((one) => ({ ...one, devices: binomial(course.fleet.source, one.devices, 0.5) }));
  const second = open.map((one, index) => ({ ...one, devices: one.devices - (first[index]?.devices ?? 0) }));
  admit(course, first.filter(isAny), admission);
  admit(course, second.filter(isAny), admission);
}

function isAny(asking: Asking): boolean {
  return asking.devices > 0;
}

function fits(asking: readonly Asking[], left: CapsLeft): boolean {
  const bySegment = left.segments.map(() => 0);
  let total = 0;
  for (const { pool, devices } of asking) {
    total += devices;
    bySegment[pool.segment] = (bySegment[pool.segment] ?? 0) + devices;
  }
  return total <= left.overall && bySegment.every((devices, index) => devices <= (left.segments[index] ?? 0));
}

function toss(course: Admitting, { pool, devices }: Asking, { left, step, level, now }: Admission): void {
  const pi = effectivePi(pool, level);
  const treated = binomial(course.fleet.source, devices, pi);
  const control = devices - treated;
  left.overall -= treated;
  left.segments[pool.segment] = (left.segments[pool.segment] ?? 0) - treated;
  enrolCohort(course.evidence, { pool, step, pi, treated, control }, now);
  const closesAt = step + windowHours(course.evidence.plan, pool.isPanel) / STEP_HOURS;
  if (control === 0) return;
  at(course.evidence, closesAt, () => comeBack(course.fleet, closesAt, { pool, devices: control, level }));
}

/** As `answerPermit` computes it for the ledger row. */
function effectivePi(pool: Pool, level: number): number {
  if (pool.origin === RING) return 1;
  const pi = LEVELS[level] ?? 1;
  const piBefore = pool.origin === FRESH ? 0 : (LEVELS[pool.origin - 2] ?? 0);
  return (pi - piBefore) / (1 - piBefore);
}

// SPDX-License-Identifier: Apache-2.0
import {
  after,
  DAY_MS,
  type DurationMs,
  durationMs,
  elapsedMs,
  type FleetInstant,
  fleetInstant,
  HOUR_MS,
  type MachineInstant,
  minutes,
} from './time.ts';

/**
 * Fleet time in production is the wall clock, which people and networks set, beside machine time, which nobody sets. The
 * guard takes the wall clock's word while both agree. After a jump fleet time goes on by machine time and is `held`:
 * nothing may widen. Laws: fleet time never goes back; no jump of the wall clock moves it by more than
 * `JUMP_SETTLED_MAX_MS`, unless a person vouches for it.
 */
export interface ClockGuard {
  /** What was told last, and when. */
  readonly fleetAt: FleetInstant;
  readonly machineAt: MachineInstant;
  /** Fleet time minus wall clock: zero, or what a jump back has left. */
  readonly leadMs: number;
  /** Both clocks when they last agreed: what the wall clock is compared with. */
  readonly anchor: ClockObservation;
  /** Present: the wall clock is not believed. */
  readonly hold?: ClockHold;
  /** Both clocks when the wall clock last jumped during a hold: from here on it must be steady. */
  readonly settling?: ClockObservation;
}

/** Both clocks, read at one moment. */
export interface ClockObservation {
  readonly wallAt: FleetInstant;
  readonly machineAt: MachineInstant;
}

/** Why fleet time is not the wall clock's at the moment. */
export interface ClockHold {
  readonly code: 'clock-jumped' | 'clock-behind-store' | 'clock-far-ahead';
  /** How far the wall clock is from fleet time, in milliseconds: negative, it is behind. */
  readonly jumpMs: number;
  readonly since: FleetInstant;
}

/** What is stored for the next start: no stamp was later than `floor`, but for the newest `FLOOR_AGE_MS`. */
export interface StoredClock {
  readonly floor: FleetInstant;
  readonly leadMs: number;
}

/** Between two comparisons clocks may differ by this: time servers slew by 0.3 s in ten minutes, and step by less than 1 s. */
export const CLOCK_TOLERANCE_MS = 5_000;

/** What is compared with the anchor is no older than this, so that slow drift is followed and a racing clock is not. */
export const ANCHOR_MS: DurationMs = minutes(10);

/** So long must the wall clock have agreed with machine time since a jump before it is believed again. */
export const SETTLE_MS: DurationMs = minutes(10);

/**
 * The largest jump that is believed by itself once it settled: a late correction, a short sleep of the machine. Further ones
 * would close windows in which devices could not have been heard; the shortest distance from the last re-poll to the end
 * of its window is an hour (23 h of 24).
 */
export const JUMP_SETTLED_MAX_MS: DurationMs = HOUR_MS;

/** The longest time without a server that a start believes: past it a wrong clock is likelier. */
export const DOWNTIME_MAX_MS: DurationMs = durationMs(30 * DAY_MS);

/** How old a stored floor may be: it is stored each minute, and a killed server may have missed one. */
export const FLOOR_AGE_MS: DurationMs = minutes(2);

/** 2026-01-01T00:00:00Z: no server ran before, so an earlier wall clock is wrong. */
export const EARLIEST_FLEET_INSTANT: FleetInstant = fleetInstant(1_767_225_600_000);

/** The guard at the start of a server: `stored` is what the one before has left, absent on the first start. */
export function startClockGuard(seen: ClockObservation, stored?: StoredClock): ClockGuard {
  const { wallAt, machineAt } = seen;
  const floor = laterOf(stored?.floor ?? EARLIEST_FLEET_INSTANT, EARLIEST_FLEET_INSTANT);
  const start = { machineAt, anchor: { wallAt: floor, machineAt }, settling: seen };
  if (stored !== undefined && elapsedMs(floor, wallAt) > DOWNTIME_MAX_MS) {
    return { ...start, fleetAt: floor, leadMs: 0, hold: holdOf('clock-far-ahead', floor, wallAt) };
  }
  const leadMs = elapsedMs(floor, wallAt) > FLOOR_AGE_MS ? 0 : (stored?.leadMs ?? 0);
  const fleetAt = shifted(wallAt, leadMs);
  if (fleetAt >= floor - CLOCK_TOLERANCE_MS) return steady(laterOf(floor, fleetAt), leadMs, seen);
  return { ...start, fleetAt: floor, leadMs: 0, hold: holdOf('clock-behind-store', floor, wallAt) };
}

/** The guard after another look at both clocks; `fleetAt` is the fleet time to tell. */
export function guardClock(guard: ClockGuard, seen: ClockObservation): ClockGuard {
  const passedMs = Math.max(0, elapsedMs(guard.machineAt, seen.machineAt));
  return guard.hold === undefined ? whileSteady(guard, seen, passedMs) : whileHeld(guard, seen, passedMs);
}

/** The guard after a person has vouched for the wall clock. It steps forward; what it is behind stays as a lead. */
export function acceptClock(guard: ClockGuard, seen: ClockObservation): ClockGuard {
  const { fleetAt } = guardClock(guard, seen);
  return believed(fleetAt, seen);
}

/** What to store, so that the next start goes on from here. */
export function storedClockOf({ fleetAt, leadMs }: ClockGuard): StoredClock {
  return { floor: fleetAt, leadMs };
}

function whileSteady(guard: ClockGuard, seen: ClockObservation, passedMs: number): ClockGuard {
  const { wallAt, machineAt } = seen;
  if (Math.abs(driftMs(guard.anchor, seen)) <= CLOCK_TOLERANCE_MS) {
    const isAnchorOld = elapsedMs(guard.anchor.machineAt, machineAt) >= ANCHOR_MS;
    const anchor = isAnchorOld ? seen : guard.anchor;
    return { ...guard, fleetAt: laterOf(guard.fleetAt, shifted(wallAt, guard.leadMs)), machineAt, anchor };
  }
  const fleetAt = shifted(guard.fleetAt, passedMs);
  const hold = holdOf('clock-jumped', fleetAt, wallAt);
  return { ...guard, fleetAt, machineAt, settling: seen, hold };
}

function whileHeld(guard: ClockGuard, seen: ClockObservation, passedMs: number): ClockGuard {
  const { wallAt, machineAt } = seen;
  // Whole milliseconds are told and the rest is kept: many looks within one would otherwise make time stand still.
  const toldMs = Math.floor(passedMs);
  const fleetAt = shifted(guard.fleetAt, toldMs);
  // It went back to where it had been: the jump has not happened.
  if (Math.abs(driftMs(guard.anchor, seen)) <= CLOCK_TOLERANCE_MS) {
    return steady(laterOf(fleetAt, shifted(wallAt, guard.leadMs)), guard.leadMs, seen);
  }
  const jumpMs = elapsedMs(fleetAt, wallAt);
  const { settling = seen } = guard;
  // It goes on jumping: the time to settle begins anew.
  const isSteady = Math.abs(driftMs(settling, seen)) <= CLOCK_TOLERANCE_MS;
  const hasSettled = isSteady && elapsedMs(settling.machineAt, machineAt) >= SETTLE_MS;
  if (hasSettled && Math.abs(jumpMs) <= JUMP_SETTLED_MAX_MS) return believed(fleetAt, seen);
  const hold = { ...(guard.hold ?? holdOf('clock-jumped', fleetAt, wallAt)), jumpMs };
  const toldAt = after(guard.machineAt, durationMs(toldMs));
  return { ...guard, fleetAt, machineAt: toldAt, settling: isSteady ? settling : seen, hold };
}

/** The wall clock is right: fleet time steps forward to it, or goes on ahead of it and keeps the lead. */
function believed(fleetAt: FleetInstant, seen: ClockObservation): ClockGuard {
  const at = laterOf(fleetAt, seen.wallAt);
  return steady(at, elapsedMs(seen.wallAt, at), seen);
}

function steady(fleetAt: FleetInstant, leadMs: number, seen: ClockObservation): ClockGuard {
  return { fleetAt, machineAt: seen.machineAt, leadMs, anchor: seen };
}

/** How much further the wall clock has come than machine time, since `from`. */
function driftMs(from: ClockObservation, to: ClockObservation): number {
  return elapsedMs(from.wallAt, to.wallAt) - elapsedMs(from.machineAt, to.machineAt);
}

function holdOf(code: ClockHold['code'], fleetAt: FleetInstant, wallAt: FleetInstant): ClockHold {
  return { code, jumpMs: elapsedMs(fleetAt, wallAt), since: fleetAt };
}

/** Machine time has fractions of a millisecond, fleet time has none. */
function shifted(instant: FleetInstant, byMs: number): FleetInstant {
  return fleetInstant(Math.max(0, Math.floor(instant + byMs)));
}

function laterOf(a: FleetInstant, b: FleetInstant): FleetInstant {
  return a > b ? a : b;
}

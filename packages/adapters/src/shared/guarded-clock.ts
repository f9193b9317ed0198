// SPDX-License-Identifier: Apache-2.0
import type { FleetClock, MachineClock } from '@outrider/domain/kernel/clock';
import {
  acceptClock,
  type ClockGuard,
  type ClockHold,
  guardClock,
  type StoredClock,
  startClockGuard,
  storedClockOf,
} from '@outrider/domain/kernel/clock-guard';

/** The wall clock behind its guard: what `now` tells never goes back and never jumps unseen. */
export interface GuardedClock extends FleetClock {
  /** Why fleet time is not the wall clock's at the moment; undefined while it is. */
  hold(): ClockHold | undefined;
  /** A person vouches for the wall clock: fleet time follows it from now on. */
  accept(): void;
  /** What to store for the next start. */
  stored(): StoredClock;
}

/** `onChange` is told when a hold begins, and when it ends: undefined then. */
export function guardedClock(options: {
  readonly wall: FleetClock;
  readonly machine: MachineClock;
  readonly stored?: StoredClock;
  readonly onChange: (hold: ClockHold | undefined) => void;
}): GuardedClock {
  const { wall, machine, stored, onChange } = options;
  const look = () => ({ wallAt: wall.now(), machineAt: machine.now() });
  let guard = startClockGuard(look(), stored);
  if (guard.hold !== undefined) onChange(guard.hold);

  function move(next: ClockGuard): void {
    const wasHeld = guard.hold !== undefined;
    guard = next;
    if (wasHeld !== (guard.hold !== undefined)) onChange(guard.hold);
  }

  return {
    now() {
      move(guardClock(guard, look()));
      return guard.fleetAt;
    },
    hold() {
      move(guardClock(guard, look()));
      return guard.hold;
    },
    accept: () => move(acceptClock(guard, look())),
    stored: () => storedClockOf(guard),
  };
}

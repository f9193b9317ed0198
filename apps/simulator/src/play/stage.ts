// SPDX-License-Identifier: Apache-2.0
import type { SteppedClock } from '@outrider/adapters/shared/clock';
import { assert } from '@outrider/domain/kernel/assert';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { after, type FleetInstant, minutes } from '@outrider/domain/kernel/time';
import type { ControlPlane } from './control-plane.ts';

/** Fleet time moves on this grid: the grid on which the rule moves its caps. */
export const STEP_MS = minutes(10);

/** Whoever sleeps until it is due: the simulated fleet, or a real agent. */
export interface Sleepers {
  /** Wakes all that are due until nobody is; resolves when they are idle. */
  wakeDue(now: FleetInstant): Promise<WakeCounts>;
}

/** What a step cost. `answered`: requests that reached the server and came back. */
export interface WakeCounts {
  readonly woken: number;
  readonly answered: number;
}

/** A device as it is, whatever anybody thinks of it. */
export interface Participant {
  readonly deviceId: DeviceId;
  now(): ParticipantState;
}

export interface ParticipantState {
  readonly state: string;
  readonly reason: string;
  readonly activeVersion: string;
  /** Out of reach. */
  readonly isSilent: boolean;
}

/** Everything a conductor moves. */
export interface Stage {
  readonly controlPlane: ControlPlane;
  readonly clock: SteppedClock;
  readonly sleepers: readonly Sleepers[];
  readonly participants: readonly Participant[];
  /** Told after each step. */
  readonly onStep?: (step: { readonly now: FleetInstant; readonly requests: number }) => Promise<void>;
}

/** Plays fleet time step by step. */
export interface Conductor {
  /** One step of the grid: the server first, then everybody who is due, until all are idle. */
  step(): Promise<FleetInstant>;
  /** Requests answered so far. */
  requests(): number;
}

/** `answeredBefore`: requests that the server had answered when the conductor took over. */
export function createConductor(stage: Stage, answeredBefore: number): Conductor {
  const { controlPlane, clock, sleepers, onStep } = stage;
  let answered = answeredBefore;
  return {
    async step() {
      const now = after(clock.now(), STEP_MS);
      const { handled } = await controlPlane.step(now);
      // Everybody was idle: what was sent has been handled, and nothing else is under way.
      assert(handled >= answered, `the server to have handled ${answered} requests, got ${handled}`);
      clock.stepTo(now);
      const counts = await Promise.all(sleepers.map((one) => one.wakeDue(now)));
      answered += counts.reduce((sum, one) => sum + one.answered, 0);
      await onStep?.({ now, requests: answered });
      return now;
    },
    requests: () => answered,
  };
}

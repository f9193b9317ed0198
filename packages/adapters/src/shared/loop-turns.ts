// SPDX-License-Identifier: Apache-2.0
import { performance } from 'node:perf_hooks';

/** How long what is read from a socket now may have lain there: by the turns of the event loop, at once and not by samples. */
export interface LoopTurns {
  /**
   * Counts one more request in this turn of the loop; answers how many it has had, the longest that this one can have waited, and how long the turn
   * has been busy since its first.
   */
  enter(): { readonly countInTurn: number; readonly waitedMs: number; readonly workMs: number };
}

/** Below it the time is taken as it is; above, what the loop spent waiting for somebody to come is no queue. */
const LOOK_MS = 50;

/**
 * A request that a turn takes up came at some time in the turn before, or in this one: both together, without the time in which the
 * loop had nothing to do, are the longest that it has waited. What is done in between natively, handshakes for instance, counts.
 */
export function loopTurns(): LoopTurns {
  let turnBeganAt = performance.now();
  let idleMs = performance.eventLoopUtilization().idle;
  let formerTurnMs = 0;
  let countInTurn = 0;
  let enteredAt = 0;
  /** What the process did before it took anything up kept nobody waiting. */
  let hasBegun = false;

  function workMs(): number {
    const passedMs = performance.now() - turnBeganAt;
    if (passedMs < LOOK_MS) return passedMs;
    return Math.max(0, passedMs - (performance.eventLoopUtilization().idle - idleMs));
  }

  /** After all that one poll of the sockets has brought. */
  function endTurn(): void {
    formerTurnMs = workMs();
    turnBeganAt = performance.now();
    idleMs = performance.eventLoopUtilization().idle;
    countInTurn = 0;
  }

  return {
    enter() {
      if (countInTurn === 0) {
        setImmediate(endTurn);
        enteredAt = performance.now();
        if (!hasBegun) turnBeganAt = enteredAt;
        hasBegun = true;
      }
      countInTurn++;
      return { countInTurn, waitedMs: formerTurnMs + workMs(), workMs: performance.now() - enteredAt };
    },
  };
}

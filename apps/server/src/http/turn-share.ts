// SPDX-License-Identifier: Apache-2.0
import { afterThisRound } from '@outrider/adapters/shared/delay';
import type { MachineClock } from '@outrider/domain/kernel/clock';
import { elapsedMs, type MachineInstant } from '@outrider/domain/kernel/time';

/** What new requests may have of a turn of the event loop; those beyond it wait in order, and it is known for how long. */
export interface TurnShare {
  /** Whether nobody waits and this turn has something left: then whoever has come is served at once. */
  isFree(): boolean;
  /** Serves this one when those before it have been; `waitedMs`: since it came here. */
  later(serve: (waitedMs: number) => void): void;
}

/** A fifth of a turn under load: answers to those that were taken on before, handshakes and reads have the rest. */
const SHARE_MS = 8;

interface Waiting {
  readonly serve: (waitedMs: number) => void;
  readonly cameAt: MachineInstant;
}

/**
 * When a fleet comes in one moment, hundreds of requests lie in sockets, and one turn of the loop would serve them all: whoever was taken on before waits for
 * the end of that turn at each step of its way (asked for, read, answered). With a share for the new ones a turn stays short.
 */
export function turnShare(machineClock: MachineClock, shareMs = SHARE_MS): TurnShare {
  const { now } = machineClock;
  let waiting: Waiting[] = [];
  let served = 0;
  let beganAt: MachineInstant | undefined;

  /** After what one poll of the sockets has brought; the next turn has a share of its own. */
  function serveWaiting(): void {
    const from = now();
    while (served < waiting.length) {
      const at = now();
      if (elapsedMs(from, at) >= shareMs) break;
      const one = waiting[served++];
      one?.serve(elapsedMs(one.cameAt, at));
    }
    beganAt = undefined;
    if (served === waiting.length) waiting = [];
    else {
      waiting.splice(0, served);
      afterThisRound(serveWaiting);
    }
    served = 0;
  }

  function endTurn(): void {
    beganAt = undefined;
  }

  return {
    isFree() {
      if (waiting.length > 0) return false;
      if (beganAt === undefined) {
        beganAt = now();
        afterThisRound(endTurn);
        return true;
      }
      return elapsedMs(beganAt, now()) < shareMs;
    },
    later(serve) {
      if (waiting.length === 0) afterThisRound(serveWaiting);
      waiting.push({ serve, cameAt: now() });
    },
  };
}

// SPDX-License-Identifier: Apache-2.0

import type { ReadyFacts, WakeFacts } from './events.ts';
import { move, withJournal, withSituation, withUpdate } from './moves.ts';
import { isBeyondReach } from './polling.ts';
import type { BootState } from './ports.ts';
import type { DeviceState } from './state.ts';
import { arm, confirm, fallBack } from './trial.ts';

/**
 * What a start means, from the journal and the boot chooser alone: the journal says what was intended, the chooser what
 * came of it. An arm or a confirm whose answer was cut off is found here.
 */
export function resume(state: DeviceState, started: WakeFacts & { readonly boot: BootState }): DeviceState | undefined {
  const known = withReachableWaits(
    withSituation(state, {
      ...factsOf(started),
      boot: started.boot,
      trial: 'unchecked',
      areReportsHeld: false,
    }),
  );
  const restarted = move(known, 'restart', known.journal.reason);
  return restarted && judgeBoot(findArmed(restarted));
}

/** I6: a clock that was years ahead and was set right must not leave the device waiting for those years. */
export function withReachableWaits(state: DeviceState): DeviceState {
  const { journal, situation } = state;
  const { now } = situation;
  const { nextPollAt, quietUntil, update } = journal;
  const isPollFar = isBeyondReach(nextPollAt, now);
  const isQuietFar = isBeyondReach(quietUntil, now);
  const isAskFar = update !== undefined && isBeyondReach(update.askAt, now);
  if (!isPollFar && !isQuietFar && !isAskFar) return state;
  const reached = withJournal(state, {
    nextPollAt: isPollFar ? now : nextPollAt,
    quietUntil: isQuietFar ? now : quietUntil,
  });
  return isAskFar ? withUpdate(reached, { askAt: now }) : reached;
}

/** The three facts of a wake, without what else an event carries. */
export function factsOf({ now, ...facts }: WakeFacts): WakeFacts {
  return { now, ...readinessOf(facts) };
}

/** What pre-flight says, without what else an event carries. */
export function readinessOf({ mayDownload, readyAt }: ReadyFacts): ReadyFacts {
  return { mayDownload, readyAt };
}

/** `arm` names what the slot holds, all or nothing: a slot named with the new counter was armed. */
function findArmed(state: DeviceState): DeviceState {
  const { phase, update } = state.journal;
  if (phase !== 'installing' || update === undefined) return state;
  const held = state.situation.boot.contents[update.slot];
  return held?.releaseCounter === update.content.releaseCounter ? (arm(state) ?? state) : state;
}

function judgeBoot(state: DeviceState): DeviceState | undefined {
  const { phase, installed, update } = state.journal;
  const { boot } = state.situation;
  if (phase === 'installed' && installed !== undefined) {
    if (boot.trial?.slot === installed.slot) return state;
    return confirm(state) ?? fallBack(state);
  }
  const hasFallenBack = installed !== undefined && boot.running !== installed.slot;
  // An update prepared for the slot that runs now was made for another past: the chooser was changed from outside.
  return hasFallenBack || update?.slot === boot.running ? fallBack(state) : state;
}

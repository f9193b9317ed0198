// SPDX-License-Identifier: Apache-2.0
import { assert, assertNever, present } from '../kernel/assert.ts';
import type { FleetInstant } from '../kernel/time.ts';
import { isUsable } from './check-permit.ts';
import { crashHistoryAt } from './crash-log.ts';
import type { Effect, Step } from './events.ts';
import { failInstall } from './fail-install.ts';
import { move, withJournal, withUpdate } from './moves.ts';
import { type DevicePhase, type DeviceState, digestsOf, runningSoftware, type Update } from './state.ts';

/** Boots that a trial may take: two for a passing fault (power, a slow start), the third decides. */
export const TRIAL_TRIES = 3;

/**
 * The one thing to do next, and the state to store before it is done. It depends on the state alone, never on how the
 * state came about: that is why a cut anywhere is resumed by asking again.
 */
export function advance(state: DeviceState): Step {
  const { journal, situation } = state;
  const { boot } = situation;
  if (boot.trial?.slot === boot.running && journal.phase !== 'installed') {
    // C6: a trial that the journal does not know is never confirmed; its tries run out and the old slot comes back.
    return { state, effect: { kind: 'reboot' } };
  }
  switch (journal.phase) {
    case 'idle':
    case 'verified':
    case 'failed':
    case 'reverted':
    case 'deferred':
      return rest(state);
    case 'checking':
      return checkIn(state, 'idle');
    case 'available':
      return fetchOrDefer(state);
    case 'downloading':
      return { state, effect: { kind: 'download', parts: updateOf(state).parts } };
    case 'downloaded':
      return askOrDefer(state);
    case 'permitted':
      return isPermitted(state) ? advance(moved(state, 'begin-install')) : losePermit(state);
    case 'installing':
      return isPermitted(state) ? install(state) : losePermit(state);
    case 'installed':
      return judgeTrial(state);
    default:
      return assertNever(journal.phase);
  }
}

/** In a resting phase: reports first, then what became possible, then the poll, then sleep. */
function rest(state: DeviceState): Step {
  const { journal, situation } = state;
  const { now } = situation;
  const isDone = journal.phase === 'verified' || journal.phase === 'reverted';
  if (isDone && journal.staging.length > 0) return { state, effect: { kind: 'discard-staged' } };
  const isQuiet = now < journal.quietUntil;
  const [report] = situation.areReportsHeld ? [] : journal.reports;
  if (!isQuiet && report !== undefined) return { state, effect: { kind: 'send-report', report } };
  if (!isQuiet && now >= journal.nextPollAt) return checkIn(moved(state, 'poll'), journal.phase);
  if (journal.phase === 'deferred' && journal.update !== undefined) {
    if (isHere(journal.update)) {
      if (now >= askInstant(state, journal.update)) return advance(moved(state, 'may-ask'));
    } else if (!isQuiet && situation.mayDownload) return advance(moved(state, 'may-download'));
  }
  const until = Math.min(...wakeInstants(state)) as FleetInstant;
  assert(until > now, `a wake after ${now}, got ${until}`);
  return { state, effect: { kind: 'sleep', until } };
}

/** All instants at which `rest` would do something. */
function wakeInstants(state: DeviceState): readonly number[] {
  const { journal, situation } = state;
  const { update, quietUntil } = journal;
  const instants: number[] = [Math.max(journal.nextPollAt, quietUntil)];
  if (journal.reports.length > 0 && !situation.areReportsHeld) instants.push(quietUntil);
  if (journal.phase === 'deferred' && update !== undefined) {
    if (isHere(update)) instants.push(askInstant(state, update));
    else if (situation.mayDownload) instants.push(quietUntil);
  }
  return instants;
}

/** It tells the phase in which it rested. */
function checkIn(state: DeviceState, restedIn: DevicePhase): Step {
  const { journal } = state;
  const sequence = journal.sequence + 1;
  const checkIn = {
    deviceId: journal.deviceId,
    sequence,
    running: runningSoftware(state.situation.boot),
    state: restedIn,
    ...(journal.update && { rolloutId: journal.update.rolloutId }),
  };
  return { state: withJournal(state, { sequence }), effect: { kind: 'check-in', checkIn } };
}

function fetchOrDefer(state: DeviceState): Step {
  const { journal, situation } = state;
  const update = updateOf(state);
  if (update.way === 'try-switch') return { state, effect: { kind: 'verify-slot', slot: update.slot } };
  if (isHere(update)) return advance(moved(state, 'may-ask'));
  if (!situation.mayDownload || situation.now < journal.quietUntil) return rest(moved(state, 'defer', 'not-ready'));
  const wanted = digestsOf(update);
  // The staging area holds one update at a time.
  if (journal.staging.some((digest) => !wanted.includes(digest))) return { state, effect: { kind: 'discard-staged' } };
  const begun = withJournal(moved(state, 'begin-download'), { staging: wanted });
  return { state: begun, effect: { kind: 'download', parts: update.parts } };
}

function askOrDefer(state: DeviceState): Step {
  const { journal, situation } = state;
  const update = updateOf(state);
  if (isPermitted(state)) return advance(moved(state, 'take-permit'));
  if (situation.now < askInstant(state, update)) return rest(moved(state, 'defer', 'not-ready'));
  const sequence = journal.sequence + 1;
  const crashes = journal.crashes && crashHistoryAt(journal.crashes, situation.now);
  const request = {
    deviceId: journal.deviceId,
    sequence,
    rolloutId: update.rolloutId,
    releaseId: update.releaseId,
    isRollback: update.isRollback,
    ...(crashes && { crashes }),
  };
  return { state: withJournal(state, { sequence }), effect: { kind: 'ask-permit', request } };
}

function losePermit(state: DeviceState): Step {
  return advance(withUpdate(moved(state, 'lose-permit', 'permit-expired'), { permit: undefined }));
}

/** C2, C7: only with a usable permit, and only into the slot that neither runs nor is confirmed. */
function install(state: DeviceState): Step {
  const { boot } = state.situation;
  const { slot, parts, content, way, isWritten } = updateOf(state);
  if (slot === boot.running || slot === boot.confirmed) {
    const detail = `Slot ${slot} is to be written, and slot ${boot.running} runs while ${boot.confirmed} is confirmed`;
    return rest(present(failInstall(state, { code: 'slot-not-free', detail }), 'an install to be able to fail'));
  }
  if (isWritten) return { state, effect: { kind: 'arm', slot, content, tries: TRIAL_TRIES } };
  if (way === 'switch') return { state, effect: { kind: 'verify-slot', slot } };
  return { state, effect: { kind: 'install', slot, parts } };
}

/** I1, I4: verify the slot, check its health, then confirm; anything else goes back through the chooser. */
function judgeTrial(state: DeviceState): Step {
  const { boot, trial } = state.situation;
  const { slot } = updateOf(state);
  if (boot.running !== slot) return { state, effect: { kind: 'reboot' } };
  const effects = {
    unchecked: { kind: 'verify-slot', slot },
    'slot-verified': { kind: 'check-health' },
    healthy: { kind: 'confirm' },
    unhealthy: { kind: 'reboot' },
  } as const satisfies Record<typeof trial, Effect>;
  return { state, effect: effects[trial] };
}

/** Everything for the update lies on the device. */
function isHere(update: Update): boolean {
  return update.isStaged || update.way === 'switch';
}

function isPermitted(state: DeviceState): boolean {
  const { journal, situation } = state;
  const { deviceId, update } = journal;
  if (update?.permit === undefined) return false;
  return isUsable(update.permit, update, { deviceId, now: situation.now });
}

function askInstant({ journal, situation }: DeviceState, update: Update): number {
  return Math.max(update.askAt, situation.readyAt, journal.quietUntil);
}

function updateOf(state: DeviceState): Update {
  return present(state.journal.update, `an update in phase ${state.journal.phase}`);
}

/** A move that the phase, just looked at, allows. */
function moved(...[state, transition, reason]: Parameters<typeof move>): DeviceState {
  return present(move(state, transition, reason), `${transition} to be possible in phase ${state.journal.phase}`);
}

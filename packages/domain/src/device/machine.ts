// SPDX-License-Identifier: Apache-2.0
import { assertNever } from '../kernel/assert.ts';
import { after, type DurationMs, type FleetInstant } from '../kernel/time.ts';
import { advance } from './advance.ts';
import { isUsable } from './check-permit.ts';
import { newCrashLog, withCrash } from './crash-log.ts';
import { type DeviceError, isAlarming } from './errors.ts';
import type { DeviceEvent, Step } from './events.ts';
import { failInstall } from './fail-install.ts';
import { mergePlan } from './merge-plan.ts';
import { move, withJournal, withSituation, withUpdate } from './moves.ts';
import { backOffUntil, callInstant, POLL_AFTER_PERMIT_MS, pollInstant, RETRY_AFTER_FAILURE_MS } from './polling.ts';
import type { ComponentDigest, SlotName } from './ports.ts';
import { queueReport, type ReportSubject } from './report-queue.ts';
import { factsOf, readinessOf, resume, withReachableWaits } from './resume.ts';
import type { DeviceState, HeldPermit, UpdatePlan } from './state.ts';
import { arm, confirm, failTrial, judgeHealth } from './trial.ts';

/**
 * The whole behaviour of an agent: what happened, in which state, gives the next state and the next thing to do. Total: an
 * event that cannot happen in a phase (DEVICE_TABLE says `impossible`) changes nothing and asks for nothing. The caller
 * stores the journal before it runs the effect, and answers the effect with one event.
 */
export function step(state: DeviceState, event: DeviceEvent): Step {
  const applied = apply(state, event);
  return applied === undefined ? { state, effect: undefined } : advance(applied);
}

function apply(state: DeviceState, event: DeviceEvent): DeviceState | undefined {
  switch (event.kind) {
    case 'booted':
      return resume(state, event);
    case 'woken':
      return withReachableWaits(withSituation(state, { ...factsOf(event), areReportsHeld: false }));
    case 'fault-seen':
      return noteFault(state, event);
    case 'nudged':
      return nudge(state);
    case 'called':
      return heedCall(state, event.now);
    case 'offered':
      return takeOffer(heard(withSituation(state, readinessOf(event)), event.pollAfterMs), event.plan);
    case 'offer-refused':
      return dropOffer(heard(tellRefusal(state, event.about, event.error), event.pollAfterMs), event.error.code);
    case 'refused':
      return dropOffer(heard(state, event.pollAfterMs), event.code);
    case 'unanswered': {
      const moved = move(state, 'cut-off', event.error.code);
      return moved && backOff(moved, event.error.retryAfterMs);
    }
    case 'staged': {
      const moved = move(state, 'complete-download');
      return moved && withUpdate(moved, { isStaged: true });
    }
    case 'download-cut': {
      const moved = move(state, 'cut-off', 'download-cut');
      return moved && backOff(moved, event.retryAfterMs);
    }
    case 'install-failed':
      return failInstall(state, event);
    case 'permitted':
      return takePermit(state, event.permit);
    case 'permit-refused':
      return deferPermit(
        tellRefusal(state, state.journal.update, event.error),
        event.error.code,
        after(state.situation.now, RETRY_AFTER_FAILURE_MS),
      );
    case 'not-yet':
      return deferPermit(state, event.code, pollInstant(state.situation.now, event.askAfterMs));
    case 'slot-verified':
      return judgeSlot(state, event.slot, event.components);
    case 'written': {
      const { phase, update } = state.journal;
      return phase === 'installing' && update?.way === 'fetch' ? withUpdate(state, { isWritten: true }) : undefined;
    }
    case 'armed': {
      const { update } = state.journal;
      const isArmed = update?.isWritten === true && event.boot.trial?.slot === update.slot;
      return isArmed ? arm(withSituation(state, { boot: event.boot })) : undefined;
    }
    case 'health-checked':
      return judgeHealth(state, event);
    case 'confirmed': {
      const isConfirmed = state.situation.trial === 'healthy' && event.boot.confirmed === event.boot.running;
      return isConfirmed ? confirm(withSituation(state, { boot: event.boot })) : undefined;
    }
    case 'discarded': {
      // Nothing in use is ever discarded: only before a download begins and after an update ended.
      const isUnused = state.journal.phase === 'available' || state.journal.update === undefined;
      return isUnused ? withJournal(state, { staging: [] }) : undefined;
    }
    case 'report-acknowledged': {
      const reports = state.journal.reports.filter((report) => report.sequence !== event.sequence);
      return withJournal(answered(state), { reports });
    }
    case 'report-unsent':
      // A report that is refused for good must not keep the device from asking; it is kept and tried at the next wake.
      if (event.error.code === 'network-unreachable') return backOff(state, event.error.retryAfterMs);
      return withSituation(state, { areReportsHeld: true });
    default:
      return assertNever(event);
  }
}

function takeOffer(state: DeviceState, plan: UpdatePlan): DeviceState | undefined {
  const { journal, situation } = state;
  const update = mergePlan(journal.update, plan, situation);
  const isHere = update.isStaged || update.way === 'switch';
  const moved = move(state, isHere ? 'keep-offer' : 'take-offer');
  if (moved === undefined) return undefined;
  const told = moved.journal.refusalTold;
  const taken = withJournal(moved, told === undefined ? { update } : { update, refusalTold: undefined });
  return withFloor(taken, plan.charter?.issuedAt);
}

/** The floor never falls. */
function withFloor(state: DeviceState, instant: FleetInstant | undefined): DeviceState {
  const { timeFloor = 0 } = state.journal;
  return instant === undefined || instant <= timeFloor ? state : withJournal(state, { timeFloor: instant });
}

/** What lies outside a charter or was forged is told to the server: once for each reason, not at every poll. */
function tellRefusal(state: DeviceState, about: ReportSubject | undefined, error: DeviceError): DeviceState {
  if (about === undefined || !isAlarming(error.code)) return state;
  const { rolloutId, releaseId } = about;
  const refusal = `${error.code} ${rolloutId} ${releaseId}`;
  if (state.journal.refusalTold === refusal) return state;
  const told = queueReport(
    state,
    { rolloutId, releaseId },
    { event: 'refused', detail: `${error.code}: ${error.detail}` },
  );
  return withJournal(told, { refusalTold: refusal });
}

/** What is staged stays: the same release may be offered again, and its bytes are not fetched twice. */
function dropOffer(state: DeviceState, code: string): DeviceState | undefined {
  const moved = move(state, 'drop-offer', code);
  return moved && withJournal(moved, { update: undefined });
}

function takePermit(state: DeviceState, permit: HeldPermit): DeviceState | undefined {
  const { journal, situation } = state;
  const { update, deviceId } = journal;
  if (update === undefined || !isUsable(permit, update, { deviceId, now: situation.now })) {
    return deferPermit(state, 'permit-expired', after(situation.now, RETRY_AFTER_FAILURE_MS));
  }
  const moved = move(answered(state), 'take-permit');
  const nextPollAt = earlier(journal.nextPollAt, after(situation.now, POLL_AFTER_PERMIT_MS));
  return moved && withFloor(withJournal(withUpdate(moved, { permit }), { nextPollAt }), permit.timeFloor);
}

function deferPermit(state: DeviceState, code: string, askAt: FleetInstant): DeviceState | undefined {
  if (state.journal.phase !== 'downloaded') return undefined;
  const moved = move(answered(state), 'defer', code);
  const nextPollAt = earlier(state.journal.nextPollAt, askAt);
  return moved && withJournal(withUpdate(moved, { askAt }), { nextPollAt });
}

/** C1, I4: what is armed or confirmed holds exactly the signed digests, by its own hashes and not by memory. */
function judgeSlot(
  state: DeviceState,
  slot: SlotName,
  components: readonly ComponentDigest[],
): DeviceState | undefined {
  const { journal, situation } = state;
  const { update } = journal;
  if (update === undefined || update.slot !== slot) return undefined;
  const isRight = holdsExactly(components, update.content.components);
  if (journal.phase === 'installed') {
    if (situation.boot.running !== slot) return undefined;
    if (isRight) return withSituation(state, { trial: 'slot-verified' });
    return failTrial(state, 'The slot does not hold the signed images: its digests differ');
  }
  if (journal.phase === 'available' && update.way === 'try-switch') {
    if (isRight) return withUpdate(move(state, 'may-ask') ?? state, { way: 'switch' });
    return withUpdate(move(state, 'lose-switch') ?? state, { way: 'fetch' });
  }
  if (journal.phase === 'installing' && update.way === 'switch') {
    if (isRight) return withUpdate(state, { isWritten: true });
    return withUpdate(move(state, 'lose-switch') ?? state, { way: 'fetch' });
  }
  return undefined;
}

/** With the permit, when it is about what the device was permitted; a control holds none. */
function noteFault(state: DeviceState, fault: Extract<DeviceEvent, { readonly kind: 'fault-seen' }>): DeviceState {
  const remembered = fault.event === 'crash' ? rememberCrash(state, fault.at) : state;
  const { installed, update } = remembered.journal;
  // A driver speaks of what runs, not of what waits to be installed.
  const about = fault.event === 'driver-flag' ? (installed ?? update) : (update ?? installed);
  const { rolloutId = about?.rolloutId, releaseId = about?.releaseId } = fault;
  if (rolloutId === undefined || releaseId === undefined) return remembered;
  const isInstalled = installed?.rolloutId === rolloutId && installed.releaseId === releaseId;
  return queueReport(remembered, isInstalled ? installed : { rolloutId, releaseId }, fault);
}

/** The device's own account of its crashes, which outlives every rollout. */
function rememberCrash(state: DeviceState, at: FleetInstant | undefined): DeviceState {
  const { now } = state.situation;
  const log = state.journal.crashes ?? newCrashLog(now);
  return withJournal(state, { crashes: withCrash(log, at ?? now, now) });
}

/** Everything that only waits for its time is due. The server still says whether there is anything, and whether now. */
function nudge(state: DeviceState): DeviceState {
  const { now } = state.situation;
  const due = withJournal(state, { nextPollAt: earlier(state.journal.nextPollAt, now), quietUntil: 0 as FleetInstant });
  const { update } = due.journal;
  return update === undefined ? due : withUpdate(due, { askAt: earlier(update.askAt, now) });
}

/** Soon, and not all at once; whatever it waits for after a fault holds on, and one call a minute is enough. */
function heedCall(state: DeviceState, now: FleetInstant): DeviceState {
  const { journal, situation } = state;
  const { deviceId, sequence, nextPollAt, update } = journal;
  const dueAt = callInstant(now, deviceId, { sequence, calledAt: situation.calledAt });
  const due = withJournal(withSituation(state, { calledAt: now }), { nextPollAt: earlier(nextPollAt, dueAt) });
  return update === undefined ? due : withUpdate(due, { askAt: earlier(update.askAt, dueAt) });
}

/** The server answered a check-in: when to come back. */
function heard(state: DeviceState, pollAfterMs: Parameters<typeof pollInstant>[1]): DeviceState {
  return withJournal(answered(state), { nextPollAt: pollInstant(state.situation.now, pollAfterMs) });
}

function answered(state: DeviceState): DeviceState {
  if (state.journal.faultCount === 0) return state;
  return withJournal(state, { faultCount: 0, quietUntil: 0 as FleetInstant });
}

function backOff(state: DeviceState, retryAfterMs?: DurationMs): DeviceState {
  const { deviceId, sequence } = state.journal;
  const faultCount = state.journal.faultCount + 1;
  return withJournal(state, {
    faultCount,
    quietUntil: backOffUntil(state.situation.now, deviceId, { faultCount, sequence, retryAfterMs }),
  });
}

function holdsExactly(seen: readonly ComponentDigest[], needed: readonly ComponentDigest[]): boolean {
  if (seen.length !== needed.length) return false;
  return needed.every(({ name, digest }) => seen.some((one) => one.name === name && one.digest === digest));
}

function earlier(a: FleetInstant, b: FleetInstant): FleetInstant {
  return a < b ? a : b;
}

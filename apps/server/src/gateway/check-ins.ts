// SPDX-License-Identifier: Apache-2.0
import { answerCheckIn } from '@outrider/domain/gateway/answer-check-in';
import type { CheckIn, CheckInAnswer, Refusal } from '@outrider/domain/gateway/check-in';
import type { KnownDevice } from '@outrider/domain/gateway/device-record';
import { permitIdOf } from '@outrider/domain/gateway/permit-id';
import { steerPoll } from '@outrider/domain/gateway/steer-poll';
import type { FleetClock } from '@outrider/domain/kernel/clock';
import { type FleetInstant, minutes } from '@outrider/domain/kernel/time';
import { currentTrace, type TraceAbout } from '../log/request-context.ts';
import type { SnapshotHolder } from '../policy/snapshot-holder.ts';
import { countCharterFault } from './charter-counts.ts';
import type { Contacts } from './contacts.ts';
import type { Counters } from './counters.ts';

/** Answers check-ins from memory: no query, no wait. */
export interface CheckIns {
  answer(device: KnownDevice, checkIn: CheckIn): CheckInAnswer;
  /** The same of a device that was taken out of memory in this very turn, in a request that nobody traces. */
  answerNow(device: KnownDevice, checkIn: CheckIn): CheckInAnswer;
  /** Counts an answer by its reason and hands it back. */
  counted(answer: CheckInAnswer): CheckInAnswer;
}

/** Without a policy of the last three seconds, or a device record, nothing is offered; soon it will be again. */
export const OFFERS_STALE: Refusal = { kind: 'refusal', code: 'offers-stale', pollAfterMs: minutes(15) };

export function checkIns(options: {
  readonly holder: SnapshotHolder;
  readonly contacts: Contacts;
  readonly fleetClock: FleetClock;
  readonly counters: Counters;
  /** How full the gateway is; absent: intervals are never stretched. */
  readonly loadPermille?: () => number;
}): CheckIns {
  const { holder, contacts, fleetClock, counters, loadPermille } = options;
  function counted(answer: CheckInAnswer): CheckInAnswer {
    counters.add('check-in', answer.kind === 'offer' ? 'offer' : answer.code);
    return answer;
  }
  function answerTo(known: KnownDevice, checkIn: CheckIn, now: FleetInstant): CheckInAnswer {
    const snapshot = holder.fresh();
    if (snapshot === undefined) return counted(OFFERS_STALE);
    const answer = counted(answerCheckIn(snapshot, known, checkIn, now));
    if (answer.kind === 'refusal' && answer.code === 'outside-charter') {
      countCharterFault(counters, { snapshot, record: known.record, rolloutId: answer.rolloutId, now });
    }
    if (loadPermille === undefined) return answer;
    return steerPoll(answer, { ledger: known.ledger, now, loadPermille: loadPermille() });
  }

  return {
    answer(device, checkIn) {
      const now = fleetClock.now();
      const { sequence, running, state } = checkIn;
      const known = contacts.note(device, { sequence, at: now, running, state });
      const answer = answerTo(known, checkIn, now);
      const trace = currentTrace();
      if (trace !== undefined && answer !== OFFERS_STALE) trace.about = aboutCheckIn(answer, known);
      return answer;
    },
    answerNow(device, checkIn) {
      const now = fleetClock.now();
      const { sequence, running, state } = checkIn;
      return answerTo(contacts.noteNow(device, { sequence, at: now, running, state }), checkIn, now);
    },
    counted,
  };
}

/** An offer belongs to the permit that it leads to, whose id follows from the device's rows; a refusal leads to none. */
function aboutCheckIn(answer: CheckInAnswer, { record: { deviceId }, ledger }: KnownDevice): TraceAbout {
  if (answer.kind === 'refusal') return { attributes: { 'outrider.answer': answer.code } };
  const { rolloutId, isRollback } = answer;
  const rows = ledger.filter((row) => row.rolloutId === rolloutId && row.kind === 'enrolment');
  const last = rows.at(-1);
  const enrolment = last?.arm === 'treated' ? last.enrolment : (last?.enrolment ?? 0) + 1;
  const kind = isRollback ? 'rollback' : 'enrolment';
  return {
    permitId: permitIdOf({ rolloutId, deviceId, kind, enrolment: isRollback ? 0 : enrolment }),
    attributes: { 'outrider.answer': 'offer', 'outrider.rollout_id': rolloutId },
  };
}

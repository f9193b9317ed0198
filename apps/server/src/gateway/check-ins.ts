// SPDX-License-Identifier: Apache-2.0
import { answerCheckIn } from '@outrider/domain/gateway/answer-check-in';
import type { CheckIn, CheckInAnswer, Refusal } from '@outrider/domain/gateway/check-in';
import type { KnownDevice } from '@outrider/domain/gateway/device-record';
import type { FleetClock } from '@outrider/domain/kernel/clock';
import { minutes } from '@outrider/domain/kernel/time';
import type { SnapshotHolder } from '../policy/snapshot-holder.ts';
import type { Contacts } from './contacts.ts';
import type { Counters } from './counters.ts';
import type { KnownDevices } from './known-devices.ts';

/** Answers check-ins from memory: no query, no wait. */
export interface CheckIns {
  answer(device: KnownDevice, checkIn: CheckIn): CheckInAnswer;
  /** Counts an answer by its reason and hands it back. */
  counted(answer: CheckInAnswer): CheckInAnswer;
}

/** Without a policy of the last three seconds, or a device record, nothing is offered; soon it will be again. */
export const OFFERS_STALE: Refusal = { kind: 'refusal', code: 'offers-stale', pollAfterMs: minutes(15) };

export function checkIns(options: {
  readonly holder: SnapshotHolder;
  readonly devices: KnownDevices;
  readonly contacts: Contacts;
  readonly fleetClock: FleetClock;
  readonly counters: Counters;
}): CheckIns {
  const { holder, devices, contacts, fleetClock, counters } = options;
  function counted(answer: CheckInAnswer): CheckInAnswer {
    counters.add('check-in', answer.kind === 'offer' ? 'offer' : answer.code);
    return answer;
  }
  return {
    answer(device, checkIn) {
      const now = fleetClock.now();
      const { sequence, running, state } = checkIn;
      contacts.note(device, { sequence, at: now, running, state });
      const snapshot = holder.fresh();
      if (snapshot === undefined) return counted(OFFERS_STALE);
      return counted(answerCheckIn(snapshot, devices.peek(device.record.deviceId) ?? device, checkIn, now));
    },
    counted,
  };
}

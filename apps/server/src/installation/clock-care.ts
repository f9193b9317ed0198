// SPDX-License-Identifier: Apache-2.0
import type { ClockHold, StoredClock } from '@outrider/domain/kernel/clock-guard';
import { ok, type Result } from '@outrider/domain/kernel/result';
import type { FleetInstant } from '@outrider/domain/kernel/time';
import type { AuditNote } from '@outrider/domain/trust/audit';
import { encodeJson, parseText } from '@outrider/protocol/kernel/json-text';
import { record, whole } from '@outrider/protocol/kernel/reader';
import { instant } from '@outrider/protocol/kernel/values';
import { type CommandError, refuse } from '../errors.ts';
import type { ServerPorts } from '../ports.ts';
import { changedBy } from '../trust/changed-by.ts';

/** What a server does about its clock: says whether it is held, lets a person accept it, keeps it for the next start. */
export interface ClockCare {
  hold(): ClockHold | undefined;
  accept(request: {
    readonly author: string;
    readonly reason: string;
  }): Promise<Result<{ readonly now: FleetInstant; readonly leadMs: number }, CommandError>>;
  store(): Promise<void>;
}

/** Under which the newest fleet time of an installation on the wall clock is kept. */
const FLEET_CLOCK_SETTING = 'fleet-clock';

export function clockCare({ clockWatch, fleetClock, store, log }: ServerPorts): ClockCare {
  async function keep(note?: AuditNote): Promise<void> {
    if (clockWatch === undefined) return;
    await store.installation.storeSetting(FLEET_CLOCK_SETTING, encodeJson({ ...clockWatch.stored() }), note);
  }
  return {
    hold: () => clockWatch?.hold(),
    async accept({ author, reason }) {
      const hold = clockWatch?.hold();
      if (clockWatch === undefined || hold === undefined) {
        const detail = 'Fleet time follows its clock, so there is nothing to accept; nothing has changed';
        return refuse('clock-not-held', detail);
      }
      clockWatch.accept();
      const { floor: now, leadMs } = clockWatch.stored();
      log.warn(
        { stage: 'server', code: 'clock-accepted', jumpMs: hold.jumpMs, author, reason, now, leadMs },
        'The clock is accepted',
      );
      const detail = `a jump of ${hold.jumpMs} ms`;
      const subject = 'fleet-clock';
      await keep({ ...changedBy(author), at: fleetClock.now(), action: 'clock-accepted', subject, reason, detail });
      return ok({ now: fleetClock.now(), leadMs });
    },
    store: () => keep(),
  };
}

/** What the server before this one left; undefined on the first start. */
export async function loadStoredClock(
  installation: ServerPorts['store']['installation'],
): Promise<StoredClock | undefined> {
  const text = await installation.loadSetting(FLEET_CLOCK_SETTING);
  const parsed = text === undefined ? undefined : parseText(text, STORED);
  return parsed?.ok ? parsed.value : undefined;
}

const STORED = {
  noun: 'fleet-clock',
  bytesMax: 1_024,
  reader: record<StoredClock>({ floor: instant, leadMs: whole({ min: 0 }) }),
};

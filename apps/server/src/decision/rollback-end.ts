// SPDX-License-Identifier: Apache-2.0
import type { DeviceStatus } from '@outrider/domain/gateway/device-record';
import type { Ledger, Registry } from '@outrider/domain/gateway/ports';
import type { DeviceId, ReleaseCounter, RolloutId } from '@outrider/domain/kernel/ids';
import { after, DAY_MS, type DurationMs, durationMs, type FleetInstant } from '@outrider/domain/kernel/time';
import type { Rollout } from '@outrider/domain/policy/rollout';

/** A device that has not been heard of for a week is not waited for: it gets the twin whenever it comes back. */
export const SILENT_MS = durationMs(7 * DAY_MS);

/** What the rule asks about a rollback. */
export interface Rollback {
  readonly beganAt: FleetInstant;
  /** Counter of the release that is being taken back. */
  readonly badCounter: ReleaseCounter;
  readonly permitLifeMs: DurationMs;
  readonly now: FleetInstant;
}

/**
 * Whether an exposed device is back, so that the rollback need not wait for it: heard of since the rollback began, no
 * permit of before can still be used, and it does not run the bad release (it reverted, never installed, or runs the
 * twin). Or silent for seven days.
 */
export function isBack({ lastContactAt, running }: DeviceStatus, rollback: Rollback): boolean {
  const { beganAt, badCounter, permitLifeMs, now } = rollback;
  if (after(lastContactAt, SILENT_MS) <= now) return true;
  const arePermitsOver = after(beganAt, permitLifeMs) <= now;
  return arePermitsOver && lastContactAt >= beganAt && running.releaseCounter !== badCounter;
}

/** Follows rollbacks to their end; remembers which devices are still out, since no new ones can be exposed. */
export interface RollbackWatch {
  /** How many exposed devices are not back yet. */
  countOut(rollout: Rollout, badCounter: ReleaseCounter, now: FleetInstant): Promise<number>;
  forget(rolloutId: RolloutId): void;
}

/** Rows and devices of one read. */
const PAGE = 1_000;

export function rollbackWatch(ledger: Ledger, registry: Registry): RollbackWatch {
  const out = new Map<RolloutId, readonly DeviceId[]>();

  async function loadExposed(rolloutId: RolloutId): Promise<readonly DeviceId[]> {
    const exposed = new Set<DeviceId>();
    for (let afterPosition = 0; ; ) {
      const page = await ledger.loadRows(rolloutId, { afterPosition, limit: PAGE });
      for (const { row } of page) if (row.kind === 'enrolment' && row.arm === 'treated') exposed.add(row.deviceId);
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE) return [...exposed];
      afterPosition = last.position;
    }
  }

  return {
    async countOut({ plan, stateSince }, badCounter, now) {
      const { rolloutId, permitLifeMs } = plan;
      const rollback: Rollback = { beganAt: stateSince, badCounter, permitLifeMs, now };
      const exposed = out.get(rolloutId) ?? (await loadExposed(rolloutId));
      const stillOut: DeviceId[] = [];
      for (let start = 0; start < exposed.length; start += PAGE) {
        for (const { record } of await registry.loadDevices(exposed.slice(start, start + PAGE))) {
          if (!isBack(record.status, rollback)) stillOut.push(record.deviceId);
        }
      }
      out.set(rolloutId, stillOut);
      return stillOut.length;
    },
    forget: (rolloutId) => void out.delete(rolloutId),
  };
}

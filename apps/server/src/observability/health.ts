// SPDX-License-Identifier: Apache-2.0
import type { InstallationSettings } from '@outrider/domain/decision/server-store';
import { STORE_AWAY_REASONS, StoreAwayError } from '@outrider/domain/decision/store-away';
import type { MachineClock } from '@outrider/domain/kernel/clock';
import { durationMs, elapsedMs } from '@outrider/domain/kernel/time';
import { OFFERS_FRESH_MS, type SnapshotHolder } from '../policy/snapshot-holder.ts';
import type { DiskSpace, Schedule } from '../ports.ts';

/** Whether the server can do its work now, check by check: the body of `GET /health/ready`. */
export interface HealthReport {
  readonly status: 'ready' | 'not-ready';
  readonly checks: readonly HealthCheck[];
}

/** One thing that the server cannot work without. */
export interface HealthCheck {
  readonly name: 'database' | 'schema' | 'snapshot' | 'disk';
  readonly isOk: boolean;
  /** What was measured, and what is allowed, in `unit`; absent where nothing could be measured. */
  readonly seen?: number;
  readonly allowed?: number;
  readonly unit?: 'ms' | 'bytes';
  /** One sentence, where it is not as it should be: what is wrong, and what follows. */
  readonly detail?: string;
}

export interface Health {
  /** Never throws; answers within a second and a half, whatever is frozen. Asks the store once for all who ask at once. */
  ready(): Promise<HealthReport>;
}

/** A database on the same machine answers in one millisecond, one across the world in 300. */
const DATABASE_ANSWER_MS = durationMs(1_000);
/** A local disk answers from memory. */
const DISK_ANSWER_MS = durationMs(1_000);
/** Below this the next image, or PostgreSQL's next segment of 16 MiB, may not fit. */
export const DISK_FREE_BYTES_MIN = 268_435_456;

export function health(options: {
  readonly installation: InstallationSettings;
  readonly holder: SnapshotHolder;
  readonly machineClock: MachineClock;
  readonly schedule: Schedule;
  /** Of the data folder; absent where there is none. */
  readonly diskSpace?: () => Promise<DiskSpace>;
}): Health {
  const { installation, holder, machineClock, schedule, diskSpace } = options;
  let underWay: Promise<HealthReport> | undefined;
  let diskUnderWay: Promise<DiskSpace> | undefined;

  /** A file system that hangs holds up one thread of this process, however often is asked. */
  function lookAtDisk(ask: () => Promise<DiskSpace>): Promise<DiskSpace> {
    diskUnderWay ??= ask().finally(() => {
      diskUnderWay = undefined;
    });
    return diskUnderWay;
  }

  async function look(): Promise<HealthReport> {
    const [store, disk] = await Promise.all([
      storeChecks(),
      diskSpace === undefined ? [] : diskCheck(() => lookAtDisk(diskSpace), schedule),
    ]);
    const checks = [...store, snapshotCheck(holder), ...disk];
    return { status: checks.every((one) => one.isOk) ? 'ready' : 'not-ready', checks };
  }

  /** One question tells both: each connection looks at the schema before its first statement. */
  async function storeChecks(): Promise<readonly HealthCheck[]> {
    const began = machineClock.now();
    const fault = await bounded(installation.loadSetting('admin-token-digest'), schedule);
    const seen = Math.round(elapsedMs(began, machineClock.now()));
    const database = { name: 'database', seen, allowed: DATABASE_ANSWER_MS, unit: 'ms' } as const;
    if (fault === undefined) return [{ ...database, isOk: true }, SCHEMA_OK];
    const detail = `${STORE_AWAY_REASONS[fault]}; no permit is given and no report is taken in until it is back`;
    if (fault !== 'schema-newer') return [{ ...database, isOk: false, detail }];
    const update = `${STORE_AWAY_REASONS[fault]}; start the newer program here too`;
    return [
      { ...database, isOk: true },
      { name: 'schema', isOk: false, detail: update },
    ];
  }

  return {
    ready() {
      underWay ??= look().finally(() => {
        underWay = undefined;
      });
      return underWay;
    },
  };
}

const SCHEMA_OK: HealthCheck = { name: 'schema', isOk: true };

function snapshotCheck(holder: SnapshotHolder): HealthCheck {
  const age = holder.ageMs();
  const limits = { name: 'snapshot', allowed: OFFERS_FRESH_MS, unit: 'ms' } as const;
  if (age === undefined) return { ...limits, isOk: false, detail: 'The policy has not been read yet' };
  const seen = Math.round(age);
  if (holder.fresh() !== undefined) return { ...limits, seen, isOk: true };
  return { ...limits, seen, isOk: false, detail: 'The policy could not be read for a while; nothing is offered' };
}

async function diskCheck(diskSpace: () => Promise<DiskSpace>, schedule: Schedule): Promise<readonly HealthCheck[]> {
  const limits = { name: 'disk', allowed: DISK_FREE_BYTES_MIN, unit: 'bytes' } as const;
  try {
    const space = await inTime(diskSpace(), schedule);
    if (space === undefined) {
      const detail = `The disk of the data folder did not answer within ${DISK_ANSWER_MS} ms; a mount that hangs holds up every upload`;
      return [{ ...limits, isOk: false, detail }];
    }
    const { freeBytes } = space;
    const isOk = freeBytes >= DISK_FREE_BYTES_MIN;
    const detail = 'The disk of the data folder is almost full; free some space before the next release';
    return [{ ...limits, seen: freeBytes, isOk, ...(isOk ? {} : { detail }) }];
  } catch (cause) {
    // The port names files only: whatever it throws, the folder cannot be looked at.
    const detail = `The disk of the data folder cannot be looked at (${cause instanceof Error ? cause.message : cause})`;
    return [{ ...limits, isOk: false, detail }];
  }
}

/** A file system across a network may hang for ever; then undefined. */
function inTime<T>(reading: Promise<T>, schedule: Schedule): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const cancel = schedule.after(DISK_ANSWER_MS, () => resolve(undefined));
    reading.then(resolve, reject).finally(cancel);
  });
}

/** Why the store is away, or undefined when it has answered in time. */
function bounded(reading: Promise<unknown>, schedule: Schedule): Promise<keyof typeof STORE_AWAY_REASONS | undefined> {
  return new Promise((resolve, reject) => {
    const cancel = schedule.after(DATABASE_ANSWER_MS, () => resolve('slow'));
    reading.then(
      () => {
        cancel();
        resolve(undefined);
      },
      (cause: unknown) => {
        cancel();
        if (cause instanceof StoreAwayError) resolve(cause.reason);
        else reject(cause);
      },
    );
  });
}

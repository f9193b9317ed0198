// SPDX-License-Identifier: Apache-2.0
import { setTimeout as elapse } from 'node:timers/promises';
import type { Database } from '@outrider/adapters/server/postgres/pool';
import type { LoadResult } from './load.ts';
import type { LoadProcess, Measured } from './processes.ts';
import type { RolloutNamed } from './requests.ts';

/** What permits were given, and what check-ins were answered meanwhile. */
export interface PermitsMeasured {
  readonly perSecond: number;
  readonly p99Ms: number;
  readonly checkInsPerSecond: number;
  readonly permitsPerSecondBesideCheckIns: number;
  readonly checkInP99Ms: number;
  readonly failed: number;
  /** Permits that were answered, and rows that are in the ledger: none may be answered without its row. */
  readonly permits: number;
  readonly rows: number;
}

/** Reads of the policy come to every gateway within half a second. */
const IN_FORCE_MS = 1_500;
const PERMIT_CONNECTIONS = 256;
/** The goal of the design: so many are asked for beside the check-ins. */
export const PERMITS_PER_SECOND = 2_000;

/**
 * Permits, each of another device and each a row of the ledger before it leaves: first as many as the server gives, then those of the
 * goal beside check-ins at half of the load that the server was measured to bear.
 */
export async function measurePermits(options: {
  readonly server: Measured;
  readonly database: Database;
  readonly loads: readonly [LoadProcess, LoadProcess];
  readonly rollout: RolloutNamed;
  readonly devices: number;
  readonly seconds: number;
  readonly connections: number;
  /** Check-ins that the server bore at most. */
  readonly checkInsPerSecond: number;
}): Promise<PermitsMeasured> {
  const { server, database, loads, rollout, devices, seconds, connections, checkInsPerSecond } = options;
  const { rolloutId } = rollout;
  // Caps rise over days: here all of the rollout is open at once, with its caps far away.
  const opened = 'update exposure set cap = 10000000, pi = 1, downloads_allowed = 10000000, is_complete = true';
  await database.query(`${opened} where rollout_id = $1`, [rolloutId]);
  await database.query('update exposure_segment set cap = 10000000 where rollout_id = $1', [rolloutId]);
  await elapse(IN_FORCE_MS);
  const job = { where: server.where, devices, requestsMax: Number.MAX_SAFE_INTEGER, isInOrder: false };
  const asking = {
    ...job,
    kind: 'permit',
    rollout,
    connections: PERMIT_CONNECTIONS,
    durationMs: seconds * 1_000,
  } as const;
  const alone = await loads[0].run(asking);
  const half = checkInsPerSecond / 2;
  const [beside, checkIns] = await Promise.all([
    loads[0].run({ ...asking, perSecond: PERMITS_PER_SECOND }),
    loads[1].run({ ...job, kind: 'check-in', connections, perSecond: half, durationMs: seconds * 1_000 }),
  ]);
  const [row] = await database.query('select count(*)::integer as rows from ledger where rollout_id = $1', [rolloutId]);
  const rate = ({ permits, elapsedMs }: LoadResult) => (1_000 * permits) / elapsedMs;
  return {
    perSecond: rate(alone),
    p99Ms: alone.p99Ms,
    checkInsPerSecond: (1_000 * checkIns.answered) / checkIns.elapsedMs,
    permitsPerSecondBesideCheckIns: rate(beside),
    checkInP99Ms: checkIns.p99Ms,
    failed: alone.failed + beside.failed + checkIns.failed,
    permits: alone.permits + beside.permits,
    rows: Number(row?.rows),
  };
}

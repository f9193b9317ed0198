// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '@outrider/adapters/server/postgres/pool';
import { startPostgresForTests } from '@outrider/adapters/server/postgres/postgres-for-tests';
import { present } from '@outrider/domain/kernel/assert';
import type { Audience } from '@outrider/domain/policy/audience';
import type { ReleaseManifest } from '@outrider/domain/release/release';
import { measurePermits, PERMITS_PER_SECOND, type PermitsMeasured } from './check-in/permits.ts';
import { type ControlPlane, cancelRollout, DEVICE_TYPES, publish, startRollout } from './check-in/policy.ts';
import {
  cpuMsOf,
  type LoadProcess,
  type Measured,
  type MemoryMeasured,
  measureMemory,
  residentBytesOf,
  startBare,
  startGatewayBeside,
  startGooseBit,
  startLoad,
  startOurs,
} from './check-in/processes.ts';
import type { RolloutNamed } from './check-in/requests.ts';
import { untilInForce } from './check-in/until-in-force.ts';
import type { Figure, MeasureOptions, WholeFlag } from './figures.ts';
import { FILL, FILL_DEVICES, MIXED } from './registry/fleet.ts';

export const name = 'check-in';

export const flags: Readonly<Record<string, WholeFlag>> = {
  devices: { sentence: 'devices in the registry', default: 1_000_000, min: 20_000, max: 10_000_000 },
  rounds: { sentence: 'rounds, each server once in each', default: 7, min: 1, max: 50 },
  seconds: { sentence: 'how long each server is loaded in a round', default: 4, min: 1, max: 60 },
  connections: { sentence: 'connections that are kept open', default: 64, min: 1, max: 1_000 },
  profile: { sentence: '1: profiles of our CPU go to .outrider/profiles', default: 0, min: 0, max: 1 },
};

/**
 * Check-ins a second of the server's CPU: ours with a registry of a million devices and twenty live rollouts, beside a bare
 * node:http server and gooseBit, in interleaved rounds over connections that stay open.
 */
export async function run(options: MeasureOptions): Promise<readonly Figure[]> {
  const { flags: given, log, root } = options;
  const { devices = 1_000_000, rounds = 7, seconds = 4, connections = 64, profile = 0 } = given;
  const postgres = await startPostgresForTests();
  const folder = mkdtempSync(join(tmpdir(), 'outrider-bench-'));
  const [load, otherLoad] = [startLoad(), startLoad()];
  const servers: Measured[] = [];
  try {
    const connection = await postgres.createDatabase();
    const databaseUrl = `postgres://${connection.user}:${connection.password}@${connection.host}:${connection.port}/${connection.database}`;
    const profileFolder = join(root, '.outrider', 'profiles');
    if (profile === 1) mkdirSync(profileFolder, { recursive: true });
    const ours = await startOurs({ root, folder, databaseUrl, ...(profile === 1 ? { profileFolder } : {}) });
    servers.push(ours);
    const beside = await startGatewayBeside({ root, folder, databaseUrl });
    const prepared = prepare(connection, { plane: ours, gateways: [ours, beside], devices, log });
    const { created, newest } = await prepared.finally(() => beside.stop());
    const emptyBytes = residentBytesOf(ours.pid);
    log('Every device checks in once: the gateway reads them in batches');
    const cold = await measured(ours, load, { connections: 256, devices, requestsMax: devices, isInOrder: true });
    log(`${cold.answered} cold check-ins, ${Math.round(cold.perCpuSecond)} a CPU second, ${cold.failed} failed`);
    const keptBytes = residentBytesOf(ours.pid) - emptyBytes;
    const bare = await startBare(folder);
    const gooseBit = await startGooseBit(folder, GOOSE_BIT_FLEET);
    servers.push(bare, gooseBit);
    const results = new Map<Measured, Round[]>(servers.map((server) => [server, []]));
    for (let round = 0; round < rounds; round++) {
      for (const server of servers) {
        const fleet = server === gooseBit ? GOOSE_BIT_FLEET : devices;
        const result = await measured(server, load, { connections, devices: fleet, durationMs: seconds * 1_000 });
        results.get(server)?.push(result);
        log(
          `Round ${round + 1}, ${server.name}: ${Math.round(result.perCpuSecond)} a CPU second, ` +
            `${Math.round(result.perSecond)} a second, p50 ${result.p50Ms.toFixed(2)} ms, p99 ${result.p99Ms.toFixed(2)} ms, ` +
            `${result.answerBytes} bytes, ${result.failed} failed`,
        );
      }
    }
    const database = openDatabase(connection, { purpose: 'measurement', connectionsMax: 1, statementMs: FILL_MS });
    const permits = await measurePermits({
      ...{ server: ours, database, loads: [load, otherLoad], rollout: newest, devices, seconds, connections },
      checkInsPerSecond: median((results.get(ours) ?? []).map((round) => round.perSecond)),
    }).finally(() => database.close());
    const memory = await measureMemory(devices);
    return figuresOf({ ours, bare, gooseBit, results, cold, keptBytes, memory, devices, created, permits });
  } finally {
    load.stop();
    otherLoad.stop();
    await Promise.all(servers.map((server) => server.stop()));
    await postgres.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}

const FILL_MS = 600_000;
/** As many as gooseBit was measured with before; it reads one row a poll, whatever their number. */
const GOOSE_BIT_FLEET = 500;
const ROLLOUTS_EACH = 10;

type Connection = Awaited<ReturnType<Awaited<ReturnType<typeof startPostgresForTests>>['createDatabase']>>;

async function prepare(
  connection: Connection,
  {
    plane,
    gateways,
    devices,
    log,
  }: {
    readonly plane: ControlPlane;
    readonly gateways: readonly Measured[];
    readonly devices: number;
    readonly log: MeasureOptions['log'];
  },
): Promise<Prepared> {
  const database = openDatabase(connection, { purpose: 'measurement', connectionsMax: 1, statementMs: FILL_MS });
  try {
    await database.query(MIXED);
    const releases: ReleaseManifest[] = [];
    for (let number = 1; number <= ROLLOUTS_EACH; number++) {
      for (const deviceType of DEVICE_TYPES) releases.push(await publish(plane, deviceType, number));
    }
    const created: CreatedAt[] = [];
    let filled = 0;
    for (const size of [...SIZES.filter((one) => one < devices), devices]) {
      for (; filled < size; filled = Math.min(size, filled + FILL_DEVICES)) {
        await database.query(FILL, [filled, Math.min(size, filled + FILL_DEVICES) - 1], FILL_MS);
      }
      await database.query('vacuum analyze device', [], FILL_MS);
      await database.query('vacuum analyze device_profile', [], FILL_MS);
      created.push({ devices: size, ms: await createdIn({ plane, gateways, releases, size }) });
      log(
        `${size} devices are registered; two gateways decide by a rollout ${created.at(-1)?.ms.toFixed(1)} ms after its first command`,
      );
    }
    for (const [index, manifest] of releases.entries()) {
      await startRollout(plane, manifest, { audience: audienceOf(Math.floor(index / DEVICE_TYPES.length) + 1) });
    }
    log(`${releases.length} rollouts are live`);
    const { releaseId } = present(releases.at(-DEVICE_TYPES.length), 'the newest release for cameras');
    return { created, newest: { rolloutId: `rollout-${releaseId}`, releaseId } };
  } finally {
    await database.close();
  }
}

interface Prepared {
  readonly created: readonly CreatedAt[];
  /** The newest rollout for all cameras. */
  readonly newest: RolloutNamed;
}

/** How long a rollout took to come into force in a fleet of this size. */
interface CreatedAt {
  readonly devices: number;
  readonly ms: number;
}

const SIZES = [10_000, 100_000];
const CREATED_COUNT = 7;

/**
 * From the first command until each of the gateways decides about permits by the new rollout: a device that asked all the time is
 * no longer told that the rollout is none. The median of some.
 */
async function createdIn({ plane, gateways, releases, size }: CreatedOptions): Promise<number> {
  const timesMs: number[] = [];
  for (let index = 0; index < CREATED_COUNT; index++) {
    const manifest = present(releases[(2 * index) % releases.length], 'a release for cameras');
    const name = `measured-${size}-${index}`;
    const began = performance.now();
    const rolloutId = await startRollout(plane, manifest, { audience: { kind: 'everyone' }, name });
    const { releaseId } = manifest;
    await Promise.all(gateways.map((gateway) => untilInForce(gateway, { rolloutId, releaseId })));
    timesMs.push(performance.now() - began);
    await cancelRollout(plane, rolloutId);
  }
  return median(timesMs);
}

interface CreatedOptions {
  readonly plane: ControlPlane;
  readonly gateways: readonly Measured[];
  readonly releases: readonly ReleaseManifest[];
  readonly size: number;
}

/** Most rollouts are for some regions; the newest of each type is for everyone. */
function audienceOf(number: number): Audience {
  if (number === ROLLOUTS_EACH) return { kind: 'everyone' };
  const regions = Array.from({ length: REGIONS / 2 }, (_, index) => `r${(number + 2 * index) % REGIONS}`);
  return { kind: 'attribute', name: 'region', in: regions };
}

/** Of the fleet that `registry/fleet.ts` fills. */
const REGIONS = 12;

interface Round {
  readonly answered: number;
  readonly failed: number;
  readonly sentAway: number;
  readonly perCpuSecond: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly answerBytes: number;
}

async function measured(
  server: Measured,
  load: LoadProcess,
  job: {
    readonly connections: number;
    readonly devices: number;
    readonly durationMs?: number;
    readonly requestsMax?: number;
    readonly isInOrder?: boolean;
  },
): Promise<Round> {
  const { where, kind } = server;
  const before = cpuMsOf(server.pid);
  const defaults = { durationMs: LOAD_MS_MAX, requestsMax: Number.MAX_SAFE_INTEGER, isInOrder: false };
  const result = await load.run({ ...defaults, ...job, where, kind });
  const cpuMs = cpuMsOf(server.pid) - before;
  const { answered, elapsedMs } = result;
  return { ...result, perCpuSecond: (1_000 * answered) / cpuMs, perSecond: (1_000 * answered) / elapsedMs };
}

const LOAD_MS_MAX = 1_200_000;

function figuresOf(seen: {
  readonly ours: Measured;
  readonly bare: Measured;
  readonly gooseBit: Measured;
  readonly results: ReadonlyMap<Measured, readonly Round[]>;
  readonly cold: Round;
  readonly keptBytes: number;
  readonly memory: MemoryMeasured;
  readonly devices: number;
  readonly created: readonly CreatedAt[];
  readonly permits: PermitsMeasured;
}): readonly Figure[] {
  const { ours, bare, gooseBit, results, cold, keptBytes, memory, devices, created, permits } = seen;
  const middle = (server: Measured, of: (round: Round) => number) => median((results.get(server) ?? []).map(of));
  const perCpu = (server: Measured) => middle(server, (round) => round.perCpuSecond);
  const [own, limit] = [perCpu(ours), perCpu(bare)];
  const addedUs = 1_000_000 / own - 1_000_000 / limit;
  // Of each round by itself: what else the machine does then weighs on both alike.
  const ratioTo = (other: Measured) =>
    median(
      (results.get(ours) ?? []).map((round, index) => {
        const beside = results.get(other)?.[index];
        return beside === undefined ? Number.NaN : round.perCpuSecond / beside.perCpuSecond;
      }),
    );
  const [toBare, toGooseBit] = [ratioTo(bare), ratioTo(gooseBit)];
  const all = [...results.values(), [cold]].flat().reduce((sum, round) => sum + round.failed, permits.failed);
  // A fleet that a gateway knows nothing of, on 256 connections without a breath: to send some away is what it shall do.
  const failed = all - cold.sentAway;
  const rates = [ours, bare, gooseBit].flatMap((server) => [
    goalless(`check-ins a CPU second: ${server.name}`, perCpu(server), 'check-ins/CPU s'),
    goalless(
      `check-ins a second: ${server.name}`,
      middle(server, (round) => round.perSecond),
      'check-ins/s',
    ),
    goalless(
      `p50: ${server.name}`,
      middle(server, (round) => round.p50Ms),
      'ms',
    ),
    goalless(
      `p99: ${server.name}`,
      middle(server, (round) => round.p99Ms),
      'ms',
    ),
  ]);
  return [
    goalless('devices', devices, 'devices'),
    ...rates,
    {
      figure: 'keepAliveToBare',
      value: toBare,
      unit: 'times',
      peer: bare.name,
      ratio: toBare,
      goal: '>= 0.8, or at most 25 us added',
      holds: toBare >= 0.8 || addedUs <= 25,
    },
    goalless('CPU added to a bare check-in', addedUs, 'us'),
    {
      figure: 'keepAliveToGooseBit',
      value: toGooseBit,
      unit: 'times',
      peer: gooseBit.name,
      ratio: toGooseBit,
      goal: '>= 50',
      holds: toGooseBit >= 50,
    },
    goalless('check-ins a CPU second, each device read for it', cold.perCpuSecond, 'check-ins/CPU s'),
    {
      ...{ figure: 'memory of a gateway for each device that it knows', value: memory.bytes, unit: 'bytes' },
      ...{ goal: '<= 300 bytes', holds: memory.bytes <= 300 },
    },
    goalless('CPU of a look at a device in memory, with its new status', memory.lookUs, 'us'),
    goalless('growth of the process for each device that it came to know', keptBytes / devices, 'bytes'),
    ...created.map(({ devices: size, ms }) => ({
      ...{ figure: `createRolloutMs with ${size} devices: until two gateways decide by it`, value: ms, unit: 'ms' },
      ...{ goal: '< 100 ms', holds: ms < 100 },
    })),
    {
      ...{ figure: 'permitsPerSecond: each committed before it leaves', value: permits.perSecond, unit: 'permits/s' },
      ...{ goal: `>= ${PERMITS_PER_SECOND}`, holds: permits.perSecond >= PERMITS_PER_SECOND },
    },
    goalless('p99 of a permit then', permits.p99Ms, 'ms'),
    {
      ...{ figure: 'checkInP99AtHalfLoadMs: while permits are given', value: permits.checkInP99Ms, unit: 'ms' },
      ...{ goal: '< 200 ms', holds: permits.checkInP99Ms < 200 },
    },
    goalless('check-ins a second then', permits.checkInsPerSecond, 'check-ins/s'),
    goalless('permits a second then', permits.permitsPerSecondBesideCheckIns, 'permits/s'),
    {
      ...{ figure: 'permits answered without a row in the ledger', value: Math.max(0, permits.permits - permits.rows) },
      ...{ unit: 'permits', goal: '0', holds: permits.permits <= permits.rows },
    },
    goalless('of the cold check-ins, sent away to come again later', cold.sentAway, 'answers'),
    { figure: 'other answers that were no 200', value: failed, unit: 'answers', goal: '0', holds: failed === 0 },
  ];
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}

function goalless(figure: string, value: number, unit: string): Figure {
  return { figure, value, unit, goal: 'none', holds: true };
}

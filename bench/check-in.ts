// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '@outrider/adapters/server/postgres/pool';
import { startPostgresForTests } from '@outrider/adapters/server/postgres/postgres-for-tests';
import type { Audience } from '@outrider/domain/policy/audience';
import type { ReleaseManifest } from '@outrider/domain/release/release';
import { type ControlPlane, DEVICE_TYPES, publish, startRollout } from './check-in/policy.ts';
import {
  cpuMsOf,
  type LoadProcess,
  type Measured,
  residentBytesOf,
  startBare,
  startGooseBit,
  startLoad,
  startOurs,
} from './check-in/processes.ts';
import type { Figure, MeasureOptions, WholeFlag } from './figures.ts';
import { FILL, FILL_DEVICES, MIXED } from './registry/fleet.ts';

export const name = 'check-in';

export const flags: Readonly<Record<string, WholeFlag>> = {
  devices: { sentence: 'devices in the registry', default: 1_000_000, min: 10_000, max: 10_000_000 },
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
  const load = startLoad();
  const servers: Measured[] = [];
  try {
    const connection = await postgres.createDatabase();
    const databaseUrl = `postgres://${connection.user}:${connection.password}@${connection.host}:${connection.port}/${connection.database}`;
    const profileFolder = join(root, '.outrider', 'profiles');
    if (profile === 1) mkdirSync(profileFolder, { recursive: true });
    const ours = await startOurs({ root, folder, databaseUrl, ...(profile === 1 ? { profileFolder } : {}) });
    servers.push(ours);
    const { createRolloutMs } = await prepare(connection, { plane: ours, devices, log });
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
    return figuresOf({ ours, bare, gooseBit, results, cold, keptBytes, devices, createRolloutMs });
  } finally {
    load.stop();
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
    devices,
    log,
  }: { readonly plane: ControlPlane; readonly devices: number; readonly log: MeasureOptions['log'] },
): Promise<{ readonly createRolloutMs: number }> {
  const database = openDatabase(connection, { purpose: 'measurement', connectionsMax: 1, statementMs: FILL_MS });
  try {
    await database.query(MIXED);
    const releases: ReleaseManifest[] = [];
    for (let number = 1; number <= ROLLOUTS_EACH; number++) {
      for (const deviceType of DEVICE_TYPES) releases.push(await publish(plane, deviceType, number));
    }
    for (let first = 0; first < devices; first += FILL_DEVICES) {
      await database.query(FILL, [first, Math.min(devices, first + FILL_DEVICES) - 1], FILL_MS);
    }
    await database.query('vacuum analyze device', [], FILL_MS);
    await database.query('vacuum analyze device_profile', [], FILL_MS);
    log(`${devices} devices are registered`);
    const timesMs: number[] = [];
    for (const [index, manifest] of releases.entries()) {
      const began = performance.now();
      await startRollout(plane, manifest, { audience: audienceOf(Math.floor(index / DEVICE_TYPES.length) + 1) });
      timesMs.push(performance.now() - began);
    }
    log(`${releases.length} rollouts are live; created, approved and started in ${median(timesMs).toFixed(1)} ms each`);
    return { createRolloutMs: median(timesMs) };
  } finally {
    await database.close();
  }
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
  readonly devices: number;
  readonly createRolloutMs: number;
}): readonly Figure[] {
  const { ours, bare, gooseBit, results, cold, keptBytes, devices, createRolloutMs } = seen;
  const middle = (server: Measured, of: (round: Round) => number) => median((results.get(server) ?? []).map(of));
  const perCpu = (server: Measured) => middle(server, (round) => round.perCpuSecond);
  const [own, limit, peer] = [perCpu(ours), perCpu(bare), perCpu(gooseBit)];
  const addedUs = 1_000_000 / own - 1_000_000 / limit;
  const failed = [...results.values(), [cold]].flat().reduce((sum, round) => sum + round.failed, 0);
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
      value: own / limit,
      unit: 'times',
      peer: bare.name,
      ratio: own / limit,
      goal: '>= 0.8, or at most 25 us added',
      holds: own / limit >= 0.8 || addedUs <= 25,
    },
    goalless('CPU added to a bare check-in', addedUs, 'us'),
    {
      figure: 'keepAliveToGooseBit',
      value: own / peer,
      unit: 'times',
      peer: gooseBit.name,
      ratio: own / peer,
      goal: '>= 50',
      holds: own / peer >= 50,
    },
    goalless('check-ins a CPU second, each device read for it', cold.perCpuSecond, 'check-ins/CPU s'),
    {
      figure: 'memory of the process for each device that it knows',
      value: keptBytes / devices,
      unit: 'bytes',
      goal: '<= 300 bytes',
      holds: keptBytes / devices <= 300,
    },
    {
      figure: 'createRolloutMs: created, approved and started, which the gateways then give permits of',
      value: createRolloutMs,
      unit: 'ms',
      goal: '< 100 ms',
      holds: createRolloutMs < 100,
    },
    { figure: 'answers that were no 200', value: failed, unit: 'answers', goal: '0', holds: failed === 0 },
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

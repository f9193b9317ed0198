// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgresForTests } from '@outrider/adapters/server/postgres/postgres-for-tests';
import { delay } from '@outrider/adapters/shared/delay';
import { digestText } from '@outrider/adapters/shared/digest';
import type { ReleaseCounter } from '@outrider/domain/kernel/ids';
import { HERD_TYPE } from '../scenarios/herd/herd-device.ts';
import { storeHerd } from '../scenarios/herd/store-herd.ts';
import { type ControlPlane, publish, startRollout } from './check-in/policy.ts';
import { cpuMsOf, residentBytesOf, startOurs } from './check-in/processes.ts';
import type { Figure, MeasureOptions, WholeFlag } from './figures.ts';
import type { ListenJob, Told } from './wake-up/listeners.ts';

export const name = 'wake-up';

export const flags: Readonly<Record<string, WholeFlag>> = {
  devices: {
    sentence: 'devices that listen, each over a WebSocket of its own; then by held requests',
    default: 10_000,
    min: 100,
    max: 15_000,
  },
  'idle-seconds': { sentence: 'seconds of doing nothing that are measured', default: 20, min: 2, max: 600 },
};

/** A request is held for 25 seconds. */
const HELD_S = 30;
/** After a change of what a process does its memory and its timers come to rest. */
const REST_MS = 8_000;

/** What it costs that devices listen while nothing happens, and how long it takes until the last has heard of a pause: in both manners. */
export async function run(options: MeasureOptions): Promise<readonly Figure[]> {
  const { devices = 10_000, 'idle-seconds': idleS = 20 } = options.flags;
  const sockets = await measure('websocket', options, { devices, idleS });
  // Longer than a request is held: each has been answered with nothing, and has been asked again.
  const held = await measure('held-request', options, { devices, idleS: Math.max(idleS, HELD_S) });
  return [shown('devices that listen', devices, 'count'), ...[sockets, held].flatMap((one) => figuresOf(one))];
}

function figuresOf({ manner, perDevice, before, after, paused, resumed }: Measured): readonly Figure[] {
  return [
    shown(`${manner}: memory of the server, for each`, perDevice, 'bytes'),
    shown(`${manner}: processor time of the server while nothing happens, without listeners`, before, 'ms/s'),
    shown(`${manner}: processor time of the server while nothing happens, with them`, after, 'ms/s'),
    shown(`${manner}: calls of a pause of everything that were heard`, paused.atMs.length, 'count'),
    shown(`${manner}: from the command to the first call heard`, quantile(paused.atMs, 0), 'ms'),
    shown(`${manner}: from the command to its receipt`, paused.tookMs, 'ms'),
    shown(`${manner}: from the command to half of them`, quantile(paused.atMs, 0.5), 'ms'),
    shown(`${manner}: from the command to the last call heard`, quantile(paused.atMs, 1), 'ms'),
    // Of requests that are held, those who ask again all at once are partly asked to come later: they are not counted once more.
    ...(resumed === undefined
      ? []
      : [
          shown(`${manner}: calls of its end that were heard`, resumed.atMs.length, 'count'),
          shown(`${manner}: from the end of the pause to the last call heard`, quantile(resumed.atMs, 1), 'ms'),
        ]),
  ];
}

interface Measured {
  readonly manner: ListenJob['manner'];
  readonly perDevice: number;
  readonly before: number;
  readonly after: number;
  readonly paused: Awaited<ReturnType<typeof called>>;
  readonly resumed: Awaited<ReturnType<typeof called>> | undefined;
}

/** On a server and a database of its own: what another manner has left in memory is not counted. */
async function measure(
  manner: ListenJob['manner'],
  { log, seed, root }: MeasureOptions,
  { devices, idleS }: { readonly devices: number; readonly idleS: number },
): Promise<Measured> {
  const postgres = await startPostgresForTests();
  const folder = await mkdtemp(join(tmpdir(), 'outrider-bench-'));
  const ending: (() => unknown)[] = [];
  try {
    const connection = await postgres.createDatabase();
    const { user, password, host, port, database } = connection;
    const databaseUrl = `postgres://${user}:${password}@${host}:${port}/${database}`;
    const ours = await startOurs({ root, folder, databaseUrl });
    ending.push(() => ours.stop());
    await storeHerd(connection, { seed, devices, running: RUNNING });
    const release = await publish(ours, HERD_TYPE, 1);
    await startRollout(ours, release, { audience: { kind: 'everyone' } });
    await delay(REST_MS);
    const before = await idle(ours.pid, idleS);
    const bytesBefore = residentBytesOf(ours.pid);
    const listeners = fork(join(import.meta.dirname, 'wake-up', 'listeners.ts'));
    ending.push(() => listeners.kill('SIGKILL'));
    const began = performance.now();
    const job = { manner, seed, first: 0, count: devices, port: Number(new URL(ours.url).port) };
    await told(listeners, job, 'listening');
    log(`${devices} devices listen by ${manner} after ${Math.round(performance.now() - began)} ms`);
    await delay(REST_MS);
    const after = await idle(ours.pid, idleS);
    const perDevice = (residentBytesOf(ours.pid) - bytesBefore) / devices;
    const paused = await called(listeners, () => changeScope(ours, 'pause'));
    await delay(REST_MS);
    const resumed = manner === 'websocket' ? await called(listeners, () => changeScope(ours, 'resume')) : undefined;
    return { manner, perDevice, before, after, paused, resumed };
  } finally {
    for (const end of ending.reverse()) await end();
    await postgres.remove();
    await rm(folder, { recursive: true, force: true });
  }
}

const RUNNING = {
  version: '2.1.0',
  // A count that this measurement makes itself.
  releaseCounter: 1 as ReleaseCounter,
  components: [{ name: 'main', digest: digestText('an image') }],
};

async function changeScope({ url, token }: ControlPlane, what: 'pause' | 'resume'): Promise<void> {
  const answer = await fetch(`${url}/api/v1/scopes/${what}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ scope: 'global', reason: 'measured' }),
  });
  if (!answer.ok) throw new Error(`The ${what} was answered with ${answer.status}: ${await answer.text()}`);
  await answer.arrayBuffer();
}

/** When each call was heard, in milliseconds after the command left, ascending. */
async function called(listeners: ChildProcess, command: () => Promise<void>) {
  const heard = told(listeners, 'count', 'heard');
  await delay(200);
  const began = Date.now();
  await command();
  const tookMs = Date.now() - began;
  const one = await heard;
  const all = one.kind === 'heard' ? one.atMs : [];
  return { tookMs, atMs: all.map((at) => at - began).toSorted((a, b) => a - b) };
}

/** Time on processors for each second. */
async function idle(pid: number, seconds: number): Promise<number> {
  const before = cpuMsOf(pid);
  const began = performance.now();
  await delay(seconds * 1_000);
  return (1_000 * (cpuMsOf(pid) - before)) / (performance.now() - began);
}

function told(child: ChildProcess, order: ListenJob | 'count', kind: Told['kind']): Promise<Told> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null) => reject(new Error(`A process of listeners ended with ${code}`));
    child.once('exit', onExit);
    child.on('message', function onMessage(message: Told & { readonly fault?: string }) {
      if (message.fault !== undefined) reject(new Error(message.fault));
      if (message.kind !== kind) return;
      child.off('exit', onExit).off('message', onMessage);
      resolve(message);
    });
    child.send(order);
  });
}

function quantile(ascending: readonly number[], share: number): number {
  return ascending[Math.max(0, Math.ceil(share * ascending.length) - 1)] ?? Number.NaN;
}

function shown(figure: string, value: number, unit: string): Figure {
  return { figure, value, unit, goal: 'shown', holds: true };
}

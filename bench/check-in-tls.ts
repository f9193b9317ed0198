// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { CA_FOLDER, type CaFiles, loadCaFolder } from '@outrider/adapters/server/ca/ca-folder';
import { CA_LIVES, makeRoot, writeOnlineCa } from '@outrider/adapters/server/ca/init-ca';
import { makeCertificate, pemOf } from '@outrider/adapters/server/ca/make-certificate';
import { wallClock } from '@outrider/adapters/shared/clock';
import { createSeed, privateKeyOf, publicKeyInfo, signerFromSeed } from '@outrider/adapters/shared/ed25519';
import { subjectIn } from '@outrider/adapters/shared/x509/distinguished-name';
import { present } from '@outrider/domain/kernel/assert';
import { DAY_MS } from '@outrider/domain/kernel/time';
import { fetchEnvoy, startEnvoy } from '../engines/envoy/start-envoy.ts';
import { fetchHaproxy, startHaproxy } from '../engines/haproxy/start-haproxy.ts';
import { type Manner, send } from './check-in-tls/load.ts';
import type { Figure, MeasureOptions, WholeFlag } from './figures.ts';

export const name = 'check-in-tls';

export const flags: Readonly<Record<string, WholeFlag>> = {
  rounds: { sentence: 'interleaved rounds, of which the median counts', default: 7, min: 1, max: 99 },
  requests: {
    sentence: 'check-ins of a round on new connections; ten times as many on kept ones',
    default: 200,
    min: 20,
    max: 100_000,
  },
};

const MANNERS: readonly Manner[] = ['new', 'resumed', 'keep-alive'];
const TERMINATORS = ['bare node:https', 'node:tls', 'haproxy', 'envoy'] as const;
type Terminator = (typeof TERMINATORS)[number];
const PROXIES = ['haproxy', 'envoy'] as const satisfies readonly Terminator[];
const CONNECTIONS = 8;
/** New connections through a proxy, against node:tls inside the gateway (issue of the throughput). */
const CHEAPER = 3;
const DEVICE_ID = 'camera-1';

/** Check-ins over mutual TLS for each second of processor time that all servers together took: gateway and proxy. */
export async function run({ flags: given, log }: MeasureOptions): Promise<readonly Figure[]> {
  const { rounds = 7, requests = 200 } = given;
  const folder = await mkdtemp(join(tmpdir(), 'outrider-bench-tls-'));
  const children: { close(): Promise<void> }[] = [];
  try {
    const world = await prepare(folder);
    const bare = await serve(folder, 'bare', '');
    children.push(bare);
    const gateway = await serve(folder, 'tls', world.record);
    children.push(gateway);
    const haproxy = await startHaproxy(await fetchHaproxy(join(folder, 'haproxy')), {
      ...{
        folder: join(folder, 'run'),
        files: world.files,
        gatewaySocket: present(gateway.path, 'the socket of a gateway'),
      },
    });
    children.push(haproxy);
    const envoy = await startEnvoy(await fetchEnvoy(), {
      folder: join(folder, 'envoy'),
      files: world.files,
      gatewaySocket: present(gateway.path, 'the socket of a gateway'),
      log,
    });
    children.push(envoy);
    const places: Readonly<Record<Terminator, { readonly port: number; readonly pids: readonly number[] }>> = {
      'bare node:https': { port: bare.port, pids: [bare.pid] },
      'node:tls': { port: gateway.port, pids: [gateway.pid] },
      haproxy: { port: haproxy.port, pids: [haproxy.pid, gateway.pid] },
      envoy: { port: envoy.port, pids: [envoy.pid, gateway.pid] },
    };
    const measured = new Map<string, Sample[]>();
    for (let round = 0; round < rounds; round++) {
      for (const manner of MANNERS) {
        for (const terminator of TERMINATORS) {
          const count = manner === 'keep-alive' ? requests * 10 : requests;
          const sample = await measure(places[terminator], { ...world, manner, requests: count, keyKind: 'ed25519' });
          const key = `${manner}/${terminator}`;
          measured.set(key, [...(measured.get(key) ?? []), sample]);
        }
      }
      log(`round ${round + 1} of ${rounds}`);
    }
    const figures = MANNERS.flatMap((manner) => figuresOf(manner, measured));
    for (const keyKind of KEY_KINDS) {
      const samples: Sample[] = [];
      for (let round = 0; round < rounds; round++) {
        samples.push(await measure(places.envoy, { ...world, manner: 'new', requests, keyKind }));
      }
      const value = median(samples.map((one) => one.perCpuSecond));
      figures.push(shown(`new, envoy, a device with ${keyKind}`, value, 'check-ins per CPU second'));
    }
    return figures;
  } finally {
    for (const one of children.reverse()) await one.close();
    await rm(folder, { recursive: true, force: true });
  }
}

interface Sample {
  readonly perCpuSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const KEY_KINDS = ['ed25519', 'P-256', 'RSA 2048'] as const;
type KeyKind = (typeof KEY_KINDS)[number];

interface Prepared {
  readonly files: CaFiles;
  readonly roots: string;
  readonly shown: Readonly<Record<KeyKind, { readonly chain: string; readonly key: KeyObject }>>;
  /** The device, as its registry holds it. */
  readonly record: string;
}

async function prepare(folder: string): Promise<Prepared> {
  const nowMs = wallClock().now();
  const order = { name: 'Bench', serverNames: ['127.0.0.1'], nowMs, lives: CA_LIVES };
  await writeOnlineCa(folder, makeRoot(order), order);
  const loaded = await loadCaFolder({ folder: join(folder, CA_FOLDER) });
  const files = present(loaded.ok ? loaded.value : undefined, 'the CA that was just made');
  const seed = createSeed();
  const { publicKey } = signerFromSeed(seed);
  const keys: Readonly<Record<KeyKind, KeyObject>> = {
    ed25519: privateKeyOf(seed),
    'P-256': generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
    'RSA 2048': generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
  };
  const chainOf = (key: KeyObject) => {
    const made = makeCertificate(
      {
        subject: { commonName: DEVICE_ID, keyId: publicKey.keyId },
        subjectKey: publicKeyInfo(key),
        notBeforeMs: nowMs - DAY_MS,
        notAfterMs: nowMs + DAY_MS,
        use: { kind: 'device' },
      },
      { name: subjectIn(files.issuing[0].raw), key: files.issuingKey },
    );
    return pemOf(made.der);
  };
  const attributes = {
    deviceType: 'camera',
    model: 'm',
    hardwareId: 'rev-a',
    region: 'eu',
    customer: 'c',
    carrier: 'w',
    tags: [],
  };
  const status = { sequence: 0, lastContactAt: 0, running: RUNNING, state: 'idle' };
  const record = { deviceId: DEVICE_ID, publicKey, attributes, registeredAt: 0, status };
  return {
    files,
    roots: files.roots.map((one) => pemOf(one.raw)).join(''),
    shown: {
      ed25519: { chain: chainOf(keys.ed25519), key: keys.ed25519 },
      'P-256': { chain: chainOf(keys['P-256']), key: keys['P-256'] },
      'RSA 2048': { chain: chainOf(keys['RSA 2048']), key: keys['RSA 2048'] },
    },
    record: JSON.stringify({ record, ledger: [] }),
  };
}

const RUNNING = { version: '1.0.0', releaseCounter: 1, components: [{ name: 'main', digest: 'a'.repeat(64) }] };

interface Served {
  readonly port: number;
  readonly path?: string;
  readonly pid: number;
  close(): Promise<void>;
}

async function serve(folder: string, kind: 'bare' | 'tls', device: string): Promise<Served> {
  const script = join(import.meta.dirname, 'check-in-tls', 'served.ts');
  const parameters = ['--disable-warning=ExperimentalWarning', script, folder, kind, device];
  const child = spawn(process.execPath, parameters, { stdio: ['ignore', 'pipe', 'inherit'] });
  const line = await firstLine(child);
  const said: { readonly port: number; readonly path?: string } = JSON.parse(line);
  return {
    ...said,
    pid: child.pid ?? 0,
    close: () =>
      new Promise((resolve) => {
        if (child.exitCode !== null) return resolve();
        child.once('exit', () => resolve());
        child.kill('SIGKILL');
      }),
  };
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout?.on('data', (part: Buffer) => {
      text += part.toString();
      const [line = '', ...others] = text.split('\n');
      if (others.length > 0) resolve(line);
    });
    child.once('exit', (code) => reject(new Error(`The server ended with ${code}`)));
  });
}

async function measure(
  { port, pids }: { readonly port: number; readonly pids: readonly number[] },
  load: Prepared & { readonly manner: Manner; readonly requests: number; readonly keyKind: KeyKind },
): Promise<Sample> {
  const { roots, manner, requests } = load;
  const before = await cpuSecondsOf(pids);
  const took = await send({
    ...{ port, roots, manner, requests, connections: CONNECTIONS, ...load.shown[load.keyKind] },
    bodyOf: (sequence) => JSON.stringify({ deviceId: DEVICE_ID, running: RUNNING, sequence, state: 'idle' }),
  });
  const cpuSeconds = (await cpuSecondsOf(pids)) - before;
  const sorted = [...took].sort((left, right) => left - right);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { perCpuSecond: took.length / cpuSeconds, p50Ms: at(0.5), p99Ms: at(0.99) };
}

/** Time of all threads of these processes on a processor, in the nanoseconds of the scheduler: proc(5)'s own count has hundredths. */
async function cpuSecondsOf(pids: readonly number[]): Promise<number> {
  let nanoseconds = 0;
  for (const pid of pids) {
    for (const thread of await readdir(`/proc/${pid}/task`)) {
      const [running = ''] = (await readFile(`/proc/${pid}/task/${thread}/schedstat`, 'utf8')).split(' ');
      nanoseconds += Number(running);
    }
  }
  return nanoseconds / 1e9;
}

function figuresOf(manner: Manner, measured: ReadonlyMap<string, readonly Sample[]>): Figure[] {
  const samplesOf = (terminator: Terminator) => measured.get(`${manner}/${terminator}`) ?? [];
  const rate = (terminator: Terminator) => median(samplesOf(terminator).map((one) => one.perCpuSecond));
  const figures = TERMINATORS.flatMap((terminator) => {
    const samples = samplesOf(terminator);
    return [
      shown(`${manner}, ${terminator}`, rate(terminator), 'check-ins per CPU second'),
      shown(`${manner}, ${terminator}, p50`, median(samples.map((one) => one.p50Ms)), 'ms'),
      shown(`${manner}, ${terminator}, p99`, median(samples.map((one) => one.p99Ms)), 'ms'),
    ];
  });
  for (const proxy of PROXIES) {
    const ratios = samplesOf(proxy).map(
      (one, round) => one.perCpuSecond / (samplesOf('node:tls')[round]?.perCpuSecond ?? Number.NaN),
    );
    const ratio = median(ratios);
    const isGoal = manner === 'new' && proxy === 'envoy';
    figures.push({
      ...{
        figure: `${manner}, ${proxy} against node:tls, median of the rounds`,
        value: ratio,
        unit: 'times',
        peer: 'node:tls',
        ratio,
      },
      goal: isGoal ? `>= ${CHEAPER}` : 'none',
      holds: !isGoal || ratio >= CHEAPER,
    });
  }
  return figures;
}

function shown(figure: string, value: number, unit: string): Figure {
  return { figure, value, unit, goal: 'none', holds: true };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

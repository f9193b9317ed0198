// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, fork } from 'node:child_process';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { CA_FOLDER, loadCaFolder } from '@outrider/adapters/server/ca/ca-folder';
import { CA_LIVES, makeRoot, writeOnlineCa } from '@outrider/adapters/server/ca/init-ca';
import { pemOf } from '@outrider/adapters/server/ca/make-certificate';
import { wallClock } from '@outrider/adapters/shared/clock';
import { delay } from '@outrider/adapters/shared/delay';
import { subjectIn } from '@outrider/adapters/shared/x509/distinguished-name';
import { present } from '@outrider/domain/kernel/assert';
import { createProofFleet, runStatement, SERVER_PROGRAM, startServers } from '@outrider/simulator/compose';
import { lostIn } from '../availability/play.ts';
import { OPEN_CAPS } from '../pause/permits-in-tables.ts';
import { HERD_TYPE } from './herd-device.ts';
import type { HerdJob, HerdOrder, HerdResult } from './job.ts';
import { storeHerd } from './store-herd.ts';

export interface HerdOptions {
  readonly seed: string;
  readonly devices: number;
  /** Of the devices, those on a connection of their own by mutual TLS. */
  readonly tlsDevices: number;
  readonly connections: number;
  readonly gateways: number;
  readonly isRude: boolean;
  readonly limitMs: number;
  readonly log: (line: string) => void;
}

export interface HerdResults {
  readonly pooled: HerdResult;
  readonly tls: HerdResult;
  /** A sample of either kind that comes by and by, from processes that have nothing else to do. */
  readonly sample: HerdResult;
  readonly tlsSample: HerdResult;
  readonly permitsLost: number;
  readonly reportsLost: number;
  readonly tookMs: number;
}

/** Of the devices of each kind, those of the samples, which come over the first half minute. */
const SAMPLED_SHARE = 0.01;
const TLS_SAMPLED_SHARE = 0.03;
const SAMPLE_S = 30;
const SAMPLE_CONNECTIONS = 32;
/** Of the scheduler: a tenth of the weight of a server. */
const LOAD_NICENESS = 10;
/** As long as a restart of everything behind one address takes. */
const OUTAGE_MS = 3_000;

/** A whole fleet comes back in one moment after an outage, to gateways that have just started and remember nobody. */
export async function playHerd(options: HerdOptions): Promise<HerdResults> {
  const { seed, devices, tlsDevices, log } = options;
  let ca: HerdJob['ca'] | undefined;
  const servers = await startServers({
    ...{ gatewayCount: options.gateways, program: SERVER_PROGRAM, isTls: true },
    async prepare(sharedFolder) {
      ca = await makeCa(sharedFolder);
    },
  });
  const children: ChildProcess[] = [];
  try {
    const fleet = await createProofFleet(servers, seed);
    const { running } = fleet;
    await storeHerd(servers.database, { seed, devices, running });
    await fleet.addRollout({
      ...{ deviceType: HERD_TYPE, count: 0, salt: `return-of-the-herd-${seed}` },
      attributesOf: () => ({ region: 'eu', tags: [] }),
    });
    await runStatement(servers.database, OPEN_CAPS);
    log(`${devices} devices are registered, ${tlsDevices} of them by mutual TLS; ${options.gateways} gateways`);
    const common = {
      ...{ seed, running, isRude: options.isRude, limitMs: options.limitMs, ca: present(ca, 'the CA') },
      gateways: servers.gateways.map(({ url, tlsPort }) => ({
        port: Number(new URL(url).port),
        tlsPort: present(tlsPort, 'a port for mutual TLS'),
      })),
    };
    const sampled = Math.ceil((devices - tlsDevices) * SAMPLED_SHARE);
    const tlsSampled = Math.ceil(tlsDevices * TLS_SAMPLED_SHARE);
    const pooledCount = devices - tlsDevices - sampled;
    const tlsCount = tlsDevices - tlsSampled;
    const jobs: readonly HerdJob[] = [
      { ...common, first: 0, count: pooledCount, pooledConnections: options.connections },
      { ...common, first: pooledCount, count: tlsCount },
      { ...common, first: pooledCount + tlsCount, count: tlsSampled, perSecond: Math.max(1, tlsSampled / SAMPLE_S) },
      {
        ...{ ...common, first: devices - sampled, count: sampled, pooledConnections: SAMPLE_CONNECTIONS },
        perSecond: Math.max(1, sampled / SAMPLE_S),
      },
    ];
    const parts = jobs.map(() => fork(join(import.meta.dirname, 'load.ts'), { serialization: 'advanced' }));
    children.push(...parts);
    // The load would have machines of its own. Here it waits for the servers, and not they for it; the samples have as good a place as they.
    for (const part of parts.slice(0, 2)) setPriority(present(part.pid, 'a process of the load'), LOAD_NICENESS);
    await Promise.all(parts.map((part, index) => told(part, { kind: 'prepare', job: present(jobs[index], 'a job') })));
    log('The outage begins: every gateway is gone, and nothing of a device is left in memory');
    for (const gateway of servers.gateways) gateway.signal('SIGKILL');
    await delay(OUTAGE_MS);
    await Promise.all(servers.gateways.map((gateway) => gateway.restart()));
    log('The outage is over: all come at once');
    const began = performance.now();
    const results = await Promise.all(parts.map((part) => told(part, { kind: 'go' })));
    const tookMs = performance.now() - began;
    const all = results.map((one) => present(one.result, 'a result of the load'));
    const [pooled, tls, tlsSample, sample] = all;
    if (pooled === undefined || tls === undefined || tlsSample === undefined || sample === undefined)
      throw new Error('A part of the load has no result');
    const acknowledged = {
      permitIds: new Set(all.flatMap((one) => one.permitIds)),
      reportKeys: new Set(all.flatMap((one) => one.reportKeys)),
    };
    return { pooled, tls, tlsSample, sample, ...(await lostIn(servers.database, acknowledged)), tookMs };
  } finally {
    for (const child of children) child.kill('SIGKILL');
    await servers.remove();
  }
}

interface Told {
  readonly result?: HerdResult;
  readonly fault?: string;
}

function told(child: ChildProcess, order: HerdOrder): Promise<Told> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`A process of the load ended with ${code}`));
    child.once('exit', ended);
    child.once('message', (message: Told) => {
      child.off('exit', ended);
      if (message.fault === undefined) resolve(message);
      else reject(new Error(message.fault));
    });
    child.send(order);
  });
}

async function makeCa(sharedFolder: string): Promise<HerdJob['ca']> {
  const order = { name: 'Herd', serverNames: ['127.0.0.1', 'localhost'], nowMs: wallClock().now(), lives: CA_LIVES };
  await writeOnlineCa(sharedFolder, makeRoot(order), order);
  const loaded = await loadCaFolder({ folder: join(sharedFolder, CA_FOLDER) });
  const files = present(loaded.ok ? loaded.value : undefined, 'the CA that was just made');
  return {
    roots: files.roots.map((one) => pemOf(one.raw)).join(''),
    issuer: Buffer.from(subjectIn(files.issuing[0].raw)).toString('base64'),
    issuingKey: String(files.issuingKey.export({ format: 'pem', type: 'pkcs8' })),
  };
}

// SPDX-License-Identifier: Apache-2.0
import { openPostgresStore } from '@outrider/adapters/server/postgres/store';
import { wallClock } from '@outrider/adapters/shared/clock';
import { delay } from '@outrider/adapters/shared/delay';
import { present } from '@outrider/domain/kernel/assert';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { below, type Prng, prng } from '@outrider/domain/kernel/prng';
import { parsePermitDocument } from '@outrider/protocol/gateway/permit';
import {
  createProofFleet,
  type ProofDevice,
  type ProofFleet,
  type ProofRollout,
  SERVER_PROGRAM,
  type Servers,
  startServers,
} from '@outrider/simulator/compose';
import { type CapsInTables, capsInTables, type TreatedRow } from './caps-in-tables.ts';

/** What the storm showed. */
export interface StormResults {
  readonly requests: number;
  readonly asked: number;
  readonly late: number;
  readonly attributesChanged: number;
  readonly kills: number;
  readonly looks: number;
  readonly overruns: number;
  readonly miscounts: number;
  readonly granted: number;
  /** Permits that devices hold in their hands. */
  readonly held: ReadonlySet<string>;
  readonly rows: readonly TreatedRow[];
  readonly opened: Awaited<ReturnType<CapsInTables['opened']>>;
  readonly tookMs: number;
  readonly salt: string;
}

export interface StormOptions {
  readonly seed: string;
  readonly gateways: number;
  readonly devices: number;
  readonly log: (line: string) => void;
}

export const DEVICE_TYPE = 'storm';
const REGIONS = ['eu', 'na', 'apac'] as const;
/** A tenth as many come into the field in the midst of it, and as many change where they belong. */
const LATE_SHARE = 0.1;
const CHANGED_SHARE = 0.1;
/** Of the fleet: what may be treated, of each region less than would like to, and the part of the order that is open. */
const CAP_SHARE = 0.2;
const REGION_CAP_SHARES: ReadonlyMap<string, number> = new Map([
  ['eu', 0.03],
  ['na', 0.06],
  ['apac', 0.15],
]);
const DOWNLOADS_SHARE = 0.6;
const PI = 0.5;
const LOOK_PAUSE_MS = 15;
/** Requests sent in one turn of the event loop. */
const SLICE = 100;
/** A device whose connection broke asks again, as agents do; one that never hears an answer is a fault. */
const TRIES_MAX = 1_000;
const RETRY_MS = 250;

/** All devices ask at once; gateways are killed and started again meanwhile, devices come late and change their attributes. */
export async function playStorm(options: StormOptions): Promise<StormResults> {
  const { seed, gateways, devices: count, log } = options;
  const servers = await startServers({ gatewayCount: gateways, program: SERVER_PROGRAM });
  try {
    const fleet = await createProofFleet(servers, seed, Math.ceil(count / gateways));
    log(`A control plane and ${gateways} gateways run; ${count} devices are stored`);
    const rollout = await fleet.addRollout({
      ...{ deviceType: DEVICE_TYPE, count, salt: `exposure-${seed}`, segmentBy: 'region' },
      attributesOf: (index) => ({ region: REGIONS[index % REGIONS.length] ?? 'eu', tags: [] }),
    });
    await openExposure(servers, rollout);
    const tables = capsInTables(servers.database, rollout.rolloutId);
    try {
      return await storm({ servers, fleet, rollout, tables, options });
    } finally {
      await tables.close();
    }
  } finally {
    await servers.remove();
  }
}

/** By the port that decisions use: half of the treated wave, and caps that each region runs into. */
async function openExposure({ database }: Servers, { rolloutId, devices }: ProofRollout): Promise<void> {
  const store = await openPostgresStore({ connection: database, connectionsMax: 1 });
  try {
    const exposure = present(await store.exposures.loadExposure(rolloutId), 'the exposure of a started rollout');
    const capOf = (share: number) => Math.floor(devices.length * share);
    await store.exposures.storeExposure({
      ...exposure,
      ...{ waveIndex: 3, pi: PI, cap: capOf(CAP_SHARE), downloadsAllowed: capOf(DOWNLOADS_SHARE) },
      segments: exposure.segments.map((one) => ({
        ...one,
        cap: capOf(REGION_CAP_SHARES.get(one.segment) ?? 0),
      })),
    });
    // Each gateway has read it before the storm: what is tried is the counting, not the waiting.
    await delay(2_000);
  } finally {
    await store.close();
  }
}

async function storm(world: {
  readonly servers: Servers;
  readonly fleet: ProofFleet;
  readonly rollout: ProofRollout;
  readonly tables: CapsInTables;
  readonly options: StormOptions;
}): Promise<StormResults> {
  const { servers, fleet, rollout, tables, options } = world;
  const { seed, devices: count, log } = options;
  const source = prng(`${seed}/storm`);
  const held = new Set<string>();
  const seen = { requests: 0, looks: 0, overruns: 0, miscounts: 0, granted: 0, kills: 0 };
  let isOver = false;

  async function look(): Promise<void> {
    const now = await tables.look();
    seen.looks++;
    seen.overruns += now.overruns;
    seen.miscounts += now.miscounts;
    seen.granted = now.granted;
  }

  async function watch(): Promise<void> {
    while (!isOver) {
      await look();
      await delay(LOOK_PAUSE_MS);
    }
  }

  async function ask(device: ProofDevice, choice: Prng): Promise<void> {
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      seen.requests++;
      const answer = await device.askPermit(below(choice, servers.gateways.length));
      if (answer.ok && !(answer.value.kind === 'not-yet' && answer.value.code === 'store-away')) {
        if (answer.value.kind !== 'permit') return;
        const permit = parsePermitDocument(answer.value.permit.payload);
        if (permit.ok) held.add(permit.value.permitId);
        return;
      }
      await delay(RETRY_MS);
    }
    throw new Error(`${device.deviceId} was never answered`);
  }

  /** All are on the way together; between the slices this process reads answers too. */
  async function allAsk(devices: readonly ProofDevice[], name: string): Promise<void> {
    const asking: Promise<void>[] = [];
    for (const [index, device] of devices.entries()) {
      asking.push(ask(device, source.fork(`${device.deviceId} ${name}`)));
      if (index % SLICE === 0) await delay(1);
    }
    await Promise.all(asking);
  }

  /** One after the other, each in the midst of its work, so that some always answer. */
  async function killAll(): Promise<void> {
    for (const gateway of servers.gateways) {
      await delay(below(source, 400));
      if (gateway.signal('SIGKILL')) seen.kills++;
      await gateway.restart();
    }
  }

  async function comeLate(device: ProofDevice, choice: Prng): Promise<void> {
    await delay(below(choice, 1_500));
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      if (await device.register(below(choice, servers.gateways.length))) return ask(device, choice);
      await delay(RETRY_MS);
    }
    throw new Error(`${device.deviceId} could not register`);
  }

  const late = Array.from({ length: Math.floor(count * LATE_SHARE) }, (_, index) => {
    const attributes = { ...present(rollout.devices[index], 'a device').attributes };
    return fleet.deviceOf(`${DEVICE_TYPE}-late-${index}` as DeviceId, attributes, rollout.rolloutId);
  });
  const moved = rollout.devices.filter((_, index) => index % Math.round(1 / CHANGED_SHARE) === 0);
  // Its connection is there before the storm: this process, which is all devices, is busy for seconds.
  await look();
  const watching = watch();
  const beganAt = performance.now();
  let tookMs: number;
  try {
    const kills = killAll();
    await Promise.all([
      allAsk(rollout.devices, 'first'),
      ...late.map((device) => comeLate(device, source.fork(device.deviceId))),
      moveRegions(servers, moved).then(() =>
        Promise.all(moved.map((device) => ask(device, source.fork(`${device.deviceId} again`)))),
      ),
    ]);
    await kills;
    tookMs = performance.now() - beganAt;
    // Whatever is left of the caps is asked for once more, by everyone at once, and then the database is cut off too.
    await allAsk(rollout.devices, 'last');
  } finally {
    isOver = true;
    await watching;
  }
  log('All have asked; PostgreSQL is killed, and what lies in the tables is looked at once more');
  await servers.killDatabase();
  await look();
  return {
    ...seen,
    ...{ asked: count + late.length, late: late.length, attributesChanged: moved.length, held, tookMs },
    rows: await tables.rows(),
    opened: await tables.opened(),
    salt: rollout.plan.salt,
  };
}

/** People correct where devices belong, while these ask: to the region whose cap is largest. */
async function moveRegions({ database }: Servers, devices: readonly ProofDevice[]): Promise<void> {
  const store = await openPostgresStore({ connection: database, connectionsMax: 1 });
  try {
    const lines = devices.map(({ deviceId, attributes }) => ({
      deviceId,
      attributes: { ...attributes, region: 'apac' },
      attributesRevision: 1,
    }));
    for (let from = 0; from < lines.length; from += 100) {
      const context = { now: wallClock().now(), author: 'proof', isDryRun: false };
      await store.importer.importDevices(lines.slice(from, from + 100), context);
    }
  } finally {
    await store.close();
  }
}

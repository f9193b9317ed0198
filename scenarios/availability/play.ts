// SPDX-License-Identifier: Apache-2.0

import type { PostgresConnection } from '@outrider/adapters/server/postgres/connection';
import { openDatabase } from '@outrider/adapters/server/postgres/pool';
import { numberOf, textOf } from '@outrider/adapters/server/postgres/row';
import { delay } from '@outrider/adapters/shared/delay';
import { present } from '@outrider/domain/kernel/assert';
import { prng } from '@outrider/domain/kernel/prng';
import {
  createProofFleet,
  openBalancer,
  runStatement,
  SERVER_PROGRAM,
  type Servers,
  startServers,
} from '@outrider/simulator/compose';
import { OPEN_CAPS } from '../pause/permits-in-tables.ts';
import { liveOn, nothingSeen, type Seen } from './load.ts';

export interface AvailabilityResults {
  readonly seen: Seen;
  readonly upgrades: number;
  readonly kills: number;
  readonly permitsLost: number;
  readonly reportsLost: number;
  readonly tookMs: number;
}

export interface AvailabilityOptions {
  readonly seed: string;
  readonly devices: number;
  readonly checkIns: number;
  readonly log: (line: string) => void;
}

/** "Loss of one of three". */
const GATEWAYS = 3;
/** Two looks of the balancer, and one to spare. */
const DRAIN_DELAY_MS = 2_500;
const CALM_MS = 5_000;
/** Kubernetes or systemd has started the next one by then. */
const DOWN_MS = 3_000;

/** A fleet lives through rolling upgrades and losses of gateways, until enough check-ins were made. */
export async function playAvailability(options: AvailabilityOptions): Promise<AvailabilityResults> {
  const { seed, devices: count, checkIns, log } = options;
  const flags = ['--drain-delay-ms', String(DRAIN_DELAY_MS)];
  const servers = await startServers({ gatewayCount: GATEWAYS, program: SERVER_PROGRAM, flags });
  try {
    const fleet = await createProofFleet(servers, seed);
    const rollout = await fleet.addRollout({
      ...{ deviceType: 'camera', count, salt: `availability-${seed}` },
      attributesOf: () => ({ region: 'eu', tags: ['dogfood'] }),
    });
    await runStatement(servers.database, OPEN_CAPS);
    const balancer = await openBalancer(servers.gateways.map(({ url }) => url));
    try {
      log(`${GATEWAYS} gateways behind a balancer; ${count} devices, each on a connection of its own`);
      const seen = nothingSeen();
      let isOver = false;
      const beganAt = performance.now();
      const lives = rollout.devices.map((device) =>
        liveOn({ device, url: balancer.url, source: prng(`${seed}/${device.deviceId}`), seen, isOver: () => isOver }),
      );
      const trouble = { upgrades: 0, kills: 0 };
      while (seen.checkIns < checkIns || trouble.kills < 2) {
        await delay(CALM_MS);
        trouble.upgrades += await upgradeAll(servers);
        await delay(CALM_MS);
        trouble.kills += await loseOne(servers, trouble.kills);
        log(
          `${seen.checkIns} check-ins, ${seen.failed} failed, ${seen.attemptsLost} attempts lost; ${trouble.upgrades} gateways upgraded, ${trouble.kills} killed`,
        );
      }
      isOver = true;
      await Promise.all(lives);
      const tookMs = performance.now() - beganAt;
      return { seen, ...trouble, ...(await lostIn(servers.database, seen)), tookMs };
    } finally {
      await balancer.close();
    }
  } finally {
    await servers.remove();
  }
}

/** One after the other, each when the one before is ready again, as a rolling update does. */
async function upgradeAll({ gateways }: Servers): Promise<number> {
  for (const gateway of gateways) {
    gateway.signal('SIGTERM');
    await gateway.restart();
    await delay(1_000);
  }
  return gateways.length;
}

async function loseOne({ gateways }: Servers, before: number): Promise<number> {
  const gateway = present(gateways[before % gateways.length], 'a gateway');
  gateway.signal('SIGKILL');
  await delay(DOWN_MS);
  await gateway.restart();
  return 1;
}

/** What was acknowledged and is in no table. */
export async function lostIn(
  connection: PostgresConnection,
  seen: Pick<Seen, 'permitIds' | 'reportKeys'>,
): Promise<{ permitsLost: number; reportsLost: number }> {
  const database = openDatabase(connection, { purpose: 'proof', connectionsMax: 1 });
  try {
    const permits = new Set(
      (await database.query('select permit_id from ledger')).map((row) => textOf(row, 'permit_id')),
    );
    const rows = await database.query('select device_id, sequence from report');
    const reports = new Set(rows.map((row) => `${textOf(row, 'device_id')} ${numberOf(row, 'sequence')}`));
    return {
      permitsLost: [...seen.permitIds].filter((one) => !permits.has(one)).length,
      reportsLost: [...seen.reportKeys].filter((one) => !reports.has(one)).length,
    };
  } finally {
    await database.close();
  }
}

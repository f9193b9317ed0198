// SPDX-License-Identifier: Apache-2.0
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { openDatabase } from '@outrider/adapters/server/postgres/pool';
import { startPostgresForTests } from '@outrider/adapters/server/postgres/postgres-for-tests';
import { openPostgresStore } from '@outrider/adapters/server/postgres/store';
import { type DeviceId, parseId, type ReleaseCounter, type RolloutId } from '@outrider/domain/kernel/ids';
import { WHOLE_REACH } from '@outrider/domain/trust/reach';
import { manifestOf, planOf, type Rehearsal, rehearse, SOON, signed } from '@outrider/server/rehearsal';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';
import type { Figure, MeasureOptions, WholeFlag } from './figures.ts';
import { fillFleet } from './registry/fleet.ts';

export const name = 'explain';

export const flags: Readonly<Record<string, WholeFlag>> = {
  devices: { sentence: 'devices in the registry', default: 1_000_000, min: 1_000, max: 20_000_000 },
};

const STATEMENT_MS = 600_000;
const EXPLAINED_DEVICES = 200;
const HEAP_EVERY_MS = 50;
const FLEET_S_MAX = 10;
const DEVICE_P99_MS_MAX = 100;
/** A gateway that answers devices meanwhile: no check-in waits for longer because of it. */
const HELD_MS_MAX = 200;

/**
 * A whole server on a registry of a million devices in a real PostgreSQL says why one device, and then why each of the fleet, stands
 * where it stands before a rollout that has begun.
 */
export async function run({ flags: { devices = 1_000_000 }, log }: MeasureOptions): Promise<readonly Figure[]> {
  const postgres = await startPostgresForTests();
  try {
    const connection = await postgres.createDatabase();
    const database = openDatabase(connection, { purpose: 'measurement', connectionsMax: 1, statementMs: STATEMENT_MS });
    const store = await openPostgresStore({ connection });
    const rehearsal = rehearse({ store, blobs: memoryBlobs(), schedule: SOON });
    try {
      await fillFleet(database, devices, log);
      await beginRollout(rehearsal);
      const isReduced = devices < 1_000_000 ? ({ isReduced: true } as const) : {};
      const figures = [...(await measureDevices(rehearsal, devices)), ...(await measureFleet(rehearsal))];
      return figures.map((one) => ({ ...one, ...isReduced }));
    } finally {
      await rehearsal.server.close();
      await store.close();
      await database.close();
    }
  } finally {
    await postgres.remove();
  }
}

const ROLLOUT = 'rollout-camera-3.0.0';

async function beginRollout({ server }: Rehearsal): Promise<void> {
  await server.drain();
  const manifest = { ...(await manifestOf(server, '3.0.0')), releaseCounter: 100 as ReleaseCounter };
  const author = 'ada';
  const plan = planOf(manifest);
  const steps = [
    await server.releases.publish(signed(manifest), author),
    await server.policy.createRollout({ plan, author }),
  ];
  for (const event of ['approve', 'start'] as const) {
    const by = event === 'approve' ? 'bob' : author;
    const { rolloutId } = plan;
    steps.push(await server.policy.changeRollout({ rolloutId, event, reason: 'measured', author: by }));
  }
  const failed = steps.find((one) => !one.ok);
  if (failed?.ok === false) throw new Error(`The rollout did not begin: ${failed.error.detail}`);
  await server.drain();
}

async function measureDevices({ server }: Rehearsal, devices: number): Promise<readonly Figure[]> {
  const times: number[] = [];
  for (let index = 0; index < EXPLAINED_DEVICES; index++) {
    const number = Math.floor((devices / EXPLAINED_DEVICES) * index);
    const deviceId = idOf<DeviceId>(`cam-${String(number).padStart(9, '0')}`);
    const began = performance.now();
    const explained = await server.queries.explainDevice(deviceId);
    times.push(performance.now() - began);
    if (!explained.ok) throw new Error(explained.error.detail);
  }
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.floor(times.length * share)] ?? Number.NaN;
  return [
    { figure: 'one device explained: p50', value: at(0.5), unit: 'ms', goal: 'none', holds: true },
    {
      figure: 'one device explained: p99',
      value: at(0.99),
      unit: 'ms',
      goal: `< ${DEVICE_P99_MS_MAX} ms`,
      holds: at(0.99) < DEVICE_P99_MS_MAX,
    },
  ];
}

async function measureFleet({ server }: Rehearsal): Promise<readonly Figure[]> {
  const held = monitorEventLoopDelay({ resolution: 1 });
  const processor = process.cpuUsage();
  held.enable();
  let heapBytes = 0;
  const looking = setInterval(() => {
    heapBytes = Math.max(heapBytes, process.memoryUsage().heapUsed);
  }, HEAP_EVERY_MS);
  const began = performance.now();
  const explained = await server.registry.explainRollout(idOf<RolloutId>(ROLLOUT), WHOLE_REACH);
  const seconds = (performance.now() - began) / 1_000;
  held.disable();
  clearInterval(looking);
  if (!explained.ok) throw new Error(explained.error.detail);
  const { user, system } = process.cpuUsage(processor);
  const { devices, groups } = explained.value;
  const counted = groups.reduce((sum, one) => sum + one.devices, 0);
  const heldMs = held.percentile(99.9) / 1e6;
  return [
    {
      figure: `the fleet explained: ${devices} devices in ${groups.length} groups`,
      value: seconds,
      unit: 's',
      goal: `< ${FLEET_S_MAX} s`,
      holds: seconds < FLEET_S_MAX,
    },
    {
      figure: 'processor time of the server for it',
      value: (user + system) / 1e6,
      unit: 's',
      goal: 'none',
      holds: true,
    },
    {
      figure: 'the most heap meanwhile',
      value: heapBytes / 2 ** 20,
      unit: 'MiB',
      goal: '< 512 MiB',
      holds: heapBytes < 2 ** 29,
    },
    { figure: 'devices in no group', value: devices - counted, unit: 'devices', goal: '0', holds: devices === counted },
    {
      figure: 'its event loop was held meanwhile: p99.9',
      value: heldMs,
      unit: 'ms',
      goal: `< ${HELD_MS_MAX} ms`,
      holds: heldMs < HELD_MS_MAX,
    },
  ];
}

function idOf<T extends DeviceId | RolloutId>(text: string): T {
  const parsed = parseId<T>('id', text);
  if (!parsed.ok) throw new Error(`${text} is no id`);
  return parsed.value;
}

// SPDX-License-Identifier: Apache-2.0
import { performance } from 'node:perf_hooks';
import { openDatabase } from '@outrider/adapters/server/postgres/pool';
import { startPostgresForTests } from '@outrider/adapters/server/postgres/postgres-for-tests';
import { openPostgresStore } from '@outrider/adapters/server/postgres/store';
import type { ServerStore } from '@outrider/domain/decision/server-store';
import { wholeAudienceQuery } from '@outrider/domain/gateway/audience-query';
import type { DeviceQuery } from '@outrider/domain/gateway/query';
import { parseQuery } from '@outrider/domain/gateway/query-parse';
import { type DeviceId, parseId } from '@outrider/domain/kernel/ids';
import { fleetInstant } from '@outrider/domain/kernel/time';
import type { Figure, MeasureOptions, WholeFlag } from './figures.ts';
import { FILL_MS, fillFleet, PEER_CONDITION } from './registry/fleet.ts';

export const name = 'registry';

export const flags: Readonly<Record<string, WholeFlag>> = {
  devices: { sentence: 'devices in the registry', default: 1_000_000, min: 1_000, max: 20_000_000 },
};

/** Questions to a registry of a million devices in a real PostgreSQL, beside the same question without our tables. */
export async function run({ flags: { devices = 1_000_000 }, log }: MeasureOptions): Promise<readonly Figure[]> {
  const server = await startPostgresForTests();
  try {
    const connection = await server.createDatabase();
    const database = openDatabase(connection, { purpose: 'measurement', connectionsMax: 1, statementMs: FILL_MS });
    const store = await openPostgresStore({ connection });
    try {
      await fillFleet(database, devices, log);
      const [sizes] = await database.query('select count(*) as profiles from device_profile');
      const profiles = Number(sizes?.profiles);
      const figures: Figure[] = [goalless('devices', devices, 'devices'), goalless('profiles', profiles, 'profiles')];
      for (const [what, text] of QUESTIONS) figures.push(...(await measureQuestion(store, devices, { what, text })));
      figures.push(worstOf(figures));
      figures.push(...(await measurePeer(database, figures)));
      figures.push(...(await measureWrites(store, database)));
      return figures;
    } finally {
      await store.close();
      await database.close();
    }
  } finally {
    await server.remove();
  }
}

type Database = ReturnType<typeof openDatabase>;

const GOAL_MS = 50;
const ROUNDS = 40;
const PAGE_DEVICES = 100;
const NOW = fleetInstant(1_800_000_000_000);

/** The first is the one of the promise. */
const COHORT_BELOW = 'cohort A below 2.0';
const QUESTIONS: readonly (readonly [what: string, text: string])[] = [
  [COHORT_BELOW, 'cohort = A and version < 2.0'],
  ['a revision below 2.0', 'hardware = rev-c and version < 2.0'],
  ['a few failed ones', 'cohort = A and version < 1.10 and state = failed'],
  ['nearly everyone', 'not region = r1 and version >= 2'],
  ['no one', 'cohort = A and version > 9.0.0'],
  ['silent for a week', 'cohort = A and silent > 7d'],
  ['a fifth, all in one stretch of ids, in many profiles', 'hardware = rev-d and not (region = r1 and version < 1.3)'],
  ['a region whose lots lie far apart, in many profiles', 'region = r1 and version >= 1.9'],
  ['a few in each of many profiles', 'state = failed and version < 1.9'],
  ['rare, all beyond the middle', 'hardware = rev-d and state = failed and version < 1.3'],
  ['a group: dogfood devices, and one customer in two regions', 'group = pilots and version < 2.0'],
  ['one lot by id', 'id = cam-0000123* and state != idle'],
];

/** What the group of the question means, as the server reads it. */
const PILOTS = wholeAudienceQuery({
  kind: 'any-of',
  of: [
    { kind: 'tag', tag: 'dogfood' },
    {
      kind: 'all-of',
      of: [
        { kind: 'attribute', name: 'customer', in: ['customer-7'] },
        { kind: 'attribute', name: 'region', in: ['r7', 'r8'] },
      ],
    },
  ],
});

/** A page at each of the places, and the count. */
async function measureQuestion(
  store: ServerStore,
  fleet: number,
  { what, text }: { readonly what: string; readonly text: string },
): Promise<readonly Figure[]> {
  const query = parsed(text);
  const { devices, isExact } = await store.finder.countDevices(query, NOW);
  const figures: Figure[] = [];
  for (const [place, share] of PLACES) {
    const after = share === undefined ? {} : { after: idAt(Math.floor(fleet * share)) };
    const page = () => store.finder.findDevices(query, { limit: PAGE_DEVICES, now: NOW, ...after });
    figures.push(...figuresOf(`${what}: ${place}`, await timesOf(page)));
  }
  return [
    ...figures,
    ...figuresOf(
      `${what}: count (${isExact ? '' : 'at least '}${devices})`,
      await timesOf(() => store.finder.countDevices(query, NOW)),
    ),
  ];
}

/** Where an offset would have to read the list up to there. */
const PLACES: readonly (readonly [place: string, share: number | undefined])[] = [
  ['first page', undefined],
  ['a page at a third', 0.33],
  ['a page in the middle', 0.5],
  ['a page at seven tenths', 0.7],
  ['a page near the end', 0.98],
];

function idAt(number: number): DeviceId {
  const id = parseId<DeviceId>('device id', `cam-${String(number).padStart(9, '0')}`);
  if (!id.ok) throw new Error(`The id at ${number} is none`);
  return id.value;
}

/** Of all shapes of pages: the slowest at the median. */
function worstOf(figures: readonly Figure[]): Figure {
  const pages = figures.filter(({ figure }) => figure.includes('page') && figure.endsWith('p50'));
  const worst = pages.reduce((most, one) => (one.value > most.value ? one : most));
  return { ...worst, figure: `the slowest page: ${worst.figure}` };
}

async function measurePeer(database: Database, ours: readonly Figure[]): Promise<readonly Figure[]> {
  const peer = 'the documents alone, read in order';
  const asked = [
    ['count', `select count(*) from device where ${PEER_CONDITION}`],
    [
      'first page',
      `select device_id, attributes, running from device where ${PEER_CONDITION} order by device_id limit ${PAGE_DEVICES}`,
    ],
  ] as const;
  const figures: Figure[] = [];
  for (const [what, statement] of asked) {
    const { p50 } = await timesOf(() => database.query(statement, [], FILL_MS), PEER_ROUNDS);
    const own = ours.find((one) => one.figure.startsWith(`${COHORT_BELOW}: ${what}`))?.value ?? Number.NaN;
    figures.push({
      figure: `${COHORT_BELOW}: ${what}, the peer`,
      value: p50,
      unit: 'ms',
      peer,
      ratio: p50 / own,
      // A walk along the ids is the faster way where every so manieth fits, and the slowest where none does.
      goal: what === 'count' ? 'slower than ours' : 'none',
      holds: what !== 'count' || p50 > own,
    });
  }
  return figures;
}

const PEER_ROUNDS = 5;

/** What keeping the profiles costs where it is paid: in the batches of statuses that check-ins are written by. */
async function measureWrites(store: ServerStore, database: Database): Promise<readonly Figure[]> {
  const found = await store.finder.findDevices({ kind: 'all' }, { limit: BATCH_DEVICES, now: NOW });
  let sequence = 1_000;
  const write = (): Promise<void> => {
    sequence++;
    return store.registry.storeStatuses(
      found.map(({ record }) => ({
        deviceId: record.deviceId,
        status: { ...record.status, sequence, state: sequence % 2 === 0 ? record.status.state : ('checking' as const) },
      })),
    );
  };
  const kept = await timesOf(write);
  await database.query('alter table device disable trigger profiles_of_changed');
  const plain = await timesOf(write);
  await database.query('alter table device enable trigger profiles_of_changed');
  return [
    {
      figure: `${BATCH_DEVICES} statuses written, every one of them a new state, with the profiles kept`,
      value: kept.p50,
      unit: 'ms',
      peer: 'without',
      ratio: kept.p50 / plain.p50,
      goal: '< 2 times as long',
      holds: kept.p50 < 2 * plain.p50,
    },
  ];
}

const BATCH_DEVICES = 500;

async function timesOf(work: () => Promise<unknown>, rounds: number = ROUNDS) {
  await work();
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const before = performance.now();
    await work();
    times.push(performance.now() - before);
  }
  times.sort((a, b) => a - b);
  const at = (share: number): number =>
    times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99) };
}

function figuresOf(what: string, { p50, p99 }: { readonly p50: number; readonly p99: number }): readonly Figure[] {
  const goal = { unit: 'ms', goal: `< ${GOAL_MS} ms` };
  return [
    { figure: `${what}, p50`, value: p50, ...goal, holds: p50 < GOAL_MS },
    { figure: `${what}, p99`, value: p99, ...goal, holds: p99 < GOAL_MS },
  ];
}

function goalless(figure: string, value: number, unit: string): Figure {
  return { figure, value, unit, goal: 'none', holds: true };
}

function parsed(text: string): DeviceQuery {
  const query = parseQuery(text, () => PILOTS);
  if (!query.ok) throw new Error(`The question ${text} is none`);
  return query.value;
}

// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startPostgresForTests } from '@outrider/adapters/server/postgres/postgres-for-tests';
import { openPostgresStore } from '@outrider/adapters/server/postgres/store';
import { guardedClock } from '@outrider/adapters/shared/guarded-clock';
import { DAY_MS, fleetInstant, HOUR_MS, MINUTE_MS, machineInstant } from '@outrider/domain/kernel/time';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';
import { composeServer } from '../compose.ts';
import type { Schedule, ServerPorts } from '../ports.ts';
import { manifestOf, planOf, rehearse, signed, startRollout } from '../rehearsal.ts';
import { rehearsedDevice } from '../rehearsed-device.ts';
import { loadStoredClock } from './clock-care.ts';

const NOON = 1_795_262_400_000;
const DEVICES = 80;

const postgres = await startPostgresForTests();
after(() => postgres.remove());

const schedule: Schedule = {
  after(delayMs, work) {
    const timer = setTimeout(work, delayMs);
    return () => clearTimeout(timer);
  },
};

/** A server on PostgreSQL whose clocks are set by hand, with a fleet in the midst of a rollout. */
async function open() {
  const store = await openPostgresStore({ connection: await postgres.createDatabase() });
  const { ports, logged } = rehearse({ store, blobs: memoryBlobs(), schedule });
  let [machineMs, wrongMs] = [0, 0];
  const clocks = {
    wall: { now: () => fleetInstant(Math.max(0, NOON + machineMs + wrongMs)) },
    machine: { now: () => machineInstant(machineMs) },
  };
  const guarded = guardedClock({ ...clocks, onChange: (hold) => told.push(hold?.code) });
  const told: (string | undefined)[] = [];
  const { conductor: _, ...world } = ports;
  const server = composeServer({ ...world, fleetClock: guarded, clockWatch: guarded } satisfies ServerPorts);
  const first = await manifestOf(server, '1.0.0');
  assert.ok((await server.releases.publish(signed(first))).ok);
  await server.drain();
  const devices = Array.from({ length: DEVICES }, (_one, index) =>
    rehearsedDevice({
      deviceId: `camera-${index}`,
      hardwareId: 'rev-a',
      factory: first,
      isHealthy: () => true,
      send: async (request) => {
        const { status, body } = await server.handleDevice(request);
        return { status, body: String(body) };
      },
    }),
  );
  for (const device of devices) assert.equal((await device.register()).status, 201);
  const second = await manifestOf(server, '1.1.0', first);
  assert.ok((await server.releases.publish(signed(second))).ok);
  const plan = planOf(second, { waves: [{ name: 'all', ringTags: [], exposurePermille: 1_000, bakeMs: 0 as never }] });
  await startRollout(server, plan);
  return {
    server,
    store,
    told,
    logged,
    rolloutId: plan.rolloutId,
    /** The wall clock is set `ms` ahead of what is true. */
    setWrong(ms: number) {
      wrongMs = ms;
    },
    fleetNow: () => guarded.now() - NOON,
    /** Time passes, minute by minute, with a round each ten; with `isHeard` the fleet is awake. */
    async pass(durationMs: number, isHeard: boolean) {
      for (let passedMs = 0; passedMs < durationMs; passedMs += MINUTE_MS) {
        machineMs += MINUTE_MS;
        if (machineMs % (10 * MINUTE_MS) !== 0) {
          guarded.now();
          continue;
        }
        const due = devices.filter((device) => isHeard && device.wakesAt() <= guarded.now());
        await Promise.all(due.map((device) => device.wake(guarded.now())));
        await server.tick();
      }
    },
    async sight() {
      const view = await server.queries.showRollout(plan.rolloutId);
      assert.ok(view.ok && view.value.exposure !== undefined);
      const { rollout, exposure, evidence } = view.value;
      const closed = (evidence?.closed ?? []).reduce((sum, one) => sum + one.closed, 0);
      const rows = await store.ledger.loadRows(plan.rolloutId, { afterPosition: 0, limit: 1_000 });
      const stamps = rows.flatMap((row) => [row.row.grantedAt, row.verifiedAt ?? 0, row.firstContactAt ?? 0]);
      return {
        state: rollout.state,
        cap: exposure.cap,
        closed,
        granted: exposure.granted,
        lastStamp: Math.max(...stamps),
      };
    },
    close: () => store.close(),
  };
}

for (const [jump, wrongMs] of [
  ['a day ahead', DAY_MS],
  ['a day back', -DAY_MS],
  ['to 1970', -NOON],
] as const) {
  test(`a wall clock that is set ${jump} widens nothing, silences nobody and stamps nothing wrongly; devices go on`, async () => {
    const world = await open();
    try {
      await world.pass(4 * HOUR_MS, true);
      const before = await world.sight();
      assert.ok(before.granted > 0, 'devices were enrolled before');
      world.setWrong(wrongMs);
      await world.pass(3 * HOUR_MS, true);
      const held = await world.sight();
      assert.deepEqual(world.told, ['clock-jumped']);
      const status = world.server.queries.status();
      assert.equal(status.clockHold?.code, 'clock-jumped');
      assert.deepEqual([before.state, held.state], ['running', 'running']);
      assert.equal(held.cap, before.cap, 'nothing widens');
      assert.equal(held.closed, before.closed, 'no window of a day has closed');
      assert.equal(world.fleetNow(), 7 * HOUR_MS, 'fleet time went on by machine time');
      assert.ok(held.lastStamp <= NOON + 7 * HOUR_MS + 1_000, 'no stamp lies in a future that was not');
      world.setWrong(0);
      await world.pass(HOUR_MS, true);
      assert.equal(world.server.queries.status().clockHold, undefined, 'a clock set right again needs nobody');
      assert.equal(world.fleetNow(), 8 * HOUR_MS);
      const refused = await world.server.acceptClock({ author: 'ada', reason: 'It looks right' });
      assert.equal(refused.ok ? undefined : refused.error.code, 'clock-not-held');
    } finally {
      await world.close();
    }
  });
}

test('while the clock is held nothing widens although the evidence is there, and once it is right again it does', async () => {
  const world = await open();
  try {
    await world.pass(23 * HOUR_MS, true);
    const before = await world.sight();
    world.setWrong(DAY_MS);
    await world.pass(4 * HOUR_MS, true);
    const held = await world.sight();
    assert.ok(held.closed > before.closed, 'the windows of the first day have closed, by machine time');
    assert.equal(held.cap, before.cap);
    world.setWrong(0);
    await world.pass(HOUR_MS, true);
    assert.ok((await world.sight()).cap > before.cap);
  } finally {
    await world.close();
  }
});

test('a person who has looked accepts the clock: fleet time steps forward, who did it is logged, and the next start knows', async () => {
  const world = await open();
  try {
    await world.pass(HOUR_MS, true);
    world.setWrong(2 * DAY_MS);
    await world.pass(HOUR_MS, false);
    const accepted = await world.server.acceptClock({ author: 'ada', reason: 'The machine was suspended' });
    assert.ok(accepted.ok);
    assert.deepEqual(accepted.value, { now: NOON + 2 * HOUR_MS + 2 * DAY_MS, leadMs: 0 });
    assert.ok(world.logged.some((one) => one.code === 'clock-accepted' && one.author === 'ada'));
    const stored = await loadStoredClock(world.store.installation);
    assert.deepEqual(stored, { floor: accepted.value.now, leadMs: 0 });
  } finally {
    await world.close();
  }
});

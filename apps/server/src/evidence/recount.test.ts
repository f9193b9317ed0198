// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { replayDecision } from '@outrider/domain/decision/replay';
import type { ServerStore } from '@outrider/domain/decision/server-store';
import type { LedgerOutcome } from '@outrider/domain/gateway/ledger';
import { DAY_MS, fleetInstant } from '@outrider/domain/kernel/time';
import type { RolloutPlan } from '@outrider/domain/policy/rollout';
import { memoryStore } from '@outrider/testkit/memory-store';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';
import { composeServer, type Server } from '../compose.ts';
import type { ServerPorts } from '../ports.ts';
import { HARDWARE_IDS, manifestOf, planOf, rehearse, SOON, signed, startRollout } from '../rehearsal.ts';
import { rehearsedDevice, sendTo } from '../rehearsed-device.ts';

interface Played {
  readonly server: Server;
  readonly ports: ServerPorts;
  readonly plan: RolloutPlan;
}

/** A whole rollout on a fleet of its own, until it is in one of these states. */
async function play(deviceCount: number, isGood: boolean, ends: readonly string[]): Promise<Played> {
  const rehearsal = rehearse({ store: memoryStore(), blobs: memoryBlobs(), schedule: SOON });
  const { server, ports } = rehearsal;
  const former = await manifestOf(server, '1.0.0');
  const newer = await manifestOf(server, '1.1.0', former);
  for (const manifest of [former, newer]) assert.ok((await server.releases.publish(signed(manifest))).ok);
  const devices = Array.from({ length: deviceCount }, (_, index) => {
    const hardwareId = HARDWARE_IDS[index % 8 === 0 ? 2 : index % 2] ?? 'rev-a';
    return rehearsedDevice({
      ...{ deviceId: `camera-${index}`, hardwareId, factory: former, tags: [] },
      isHealthy: (version) => isGood || version !== '1.1.0' || hardwareId !== 'rev-c',
      send: sendTo(server),
    });
  });
  await Promise.all(devices.map((device) => device.register()));
  const plan = planOf(newer);
  await startRollout(server, plan);
  const began = rehearsal.now();
  for (let isOver = false; !isOver && rehearsal.now() - began < 25 * DAY_MS; ) {
    await rehearsal.step();
    const now = rehearsal.now();
    for (const device of devices) if (device.wakesAt() <= now) await device.wake(now);
    const view = await server.queries.showRollout(plan.rolloutId);
    isOver = view.ok && ends.includes(view.value.rollout.state);
  }
  return { server, ports, plan };
}

async function recountOf(server: Server, { rolloutId }: RolloutPlan) {
  const recount = await server.recounts.ofRollout(rolloutId);
  assert.ok(recount.ok, JSON.stringify(recount));
  return recount.value;
}

for (const [name, isGood, ends] of [
  ['a good release that reached its fleet', true, ['completed']],
  ['a bad release that was halted and taken back', false, ['rolled-back']],
] as const) {
  describe(name, () => {
    let played: Played;
    before(async () => {
      played = await play(isGood ? 100 : 200, isGood, ends);
    });

    test('counted again from the raw rows and the raw reports, its evidence is the same', async () => {
      const { server, plan } = played;
      const recount = await recountOf(server, plan);
      assert.deepEqual([recount.differences, recount.faults, recount.isEqual], [[], [], true]);
      assert.deepEqual(recount.recounted, recount.stored);
      assert.ok(recount.rows >= 10 && recount.reports >= 2, `${recount.rows} rows, ${recount.reports} reports`);
    });

    test('each of its decisions comes out again from what was stored with it', async () => {
      const { server, plan } = played;
      const decisions = await server.queries.listDecisions(plan.rolloutId, { limit: 10_000 });
      assert.ok(decisions.length >= 3, `${decisions.length} decisions`);
      for (const stored of decisions) assert.deepEqual(replayDecision(plan, stored), []);
      const altered = decisions.map(({ input, decision }) => {
        const { exposure } = decision;
        return { input, decision: { ...decision, exposure: { ...exposure, cap: exposure.cap + 1 } } };
      });
      for (const stored of altered) assert.equal(replayDecision(plan, stored).length, 1);
    });

    test('one altered outcome of one row is caught, by the counts or by the reports', async () => {
      const { ports, plan } = played;
      const alterations: readonly (readonly [string, (outcome: LedgerOutcome) => LedgerOutcome])[] = [
        ['reported by nobody', (one) => ({ ...one, revertedAt: fleetInstant(one.row.grantedAt + 1) })],
        ['later by a millisecond', (one) => ({ ...one, verifiedAt: fleetInstant((one.verifiedAt ?? 0) + 1) })],
        ['forgotten', ({ verifiedAt: _, ...one }) => one],
      ];
      for (const [what, alter] of alterations) {
        const server = composeServer({ ...ports, store: withOneAltered(ports.store, alter) });
        const recount = await recountOf(server, plan);
        assert.equal(recount.isEqual, false, what);
        assert.ok(recount.faultCount >= 1, what);
        await server.close();
      }
    });
  });
}

test('a rollout that nobody knows, and one that has not begun, are said so', async () => {
  const { server } = rehearse({ store: memoryStore(), blobs: memoryBlobs(), schedule: SOON });
  const manifest = await manifestOf(server, '1.0.0');
  assert.ok((await server.releases.publish(signed(manifest))).ok);
  const plan = planOf(manifest);
  const unknown = await server.recounts.ofRollout(plan.rolloutId);
  assert.equal(unknown.ok ? undefined : unknown.error.code, 'rollout-unknown');
  assert.ok((await server.policy.createRollout({ plan, author: 'ada' })).ok);
  const both = await Promise.all([
    server.recounts.ofRollout(plan.rolloutId),
    server.recounts.ofRollout(plan.rolloutId),
  ]);
  assert.deepEqual(
    both.map((one) => (one.ok ? undefined : one.error.code)),
    ['evidence-absent', 'rate-limited'],
  );
});

/** The same store, whose ledger tells of the first verified row something else. */
function withOneAltered(store: ServerStore, alter: (outcome: LedgerOutcome) => LedgerOutcome): ServerStore {
  return {
    ...store,
    ledger: {
      ...store.ledger,
      async loadRows(rolloutId, page) {
        const rows = await store.ledger.loadRows(rolloutId, page);
        const position = rows.find((one) => one.verifiedAt !== undefined && one.row.kind === 'enrolment')?.position;
        return rows.map((one) => (one.position === position ? alter(one) : one));
      },
    },
  };
}

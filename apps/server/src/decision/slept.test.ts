// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { replayDecision } from '@outrider/domain/decision/replay';
import { fleetInstant, hours, MINUTE_MS } from '@outrider/domain/kernel/time';
import { memoryStore } from '@outrider/testkit/memory-store';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';
import { composeServer } from '../compose.ts';
import { manifestOf, planOf, rehearse, SOON, signed, startRollout } from '../rehearsal.ts';
import { rehearsedDevice, sendTo } from '../rehearsed-device.ts';

const OPEN = [{ name: 'everyone', ringTags: [], exposurePermille: 1_000, bakeMs: hours(0) }];

test('a server that slept for thirty hours halts no good release for the silence that it made itself', async () => {
  const { ports } = rehearse({ store: memoryStore(), blobs: memoryBlobs(), schedule: SOON });
  const server = composeServer(ports);
  const former = await manifestOf(server, '1.0.0');
  const newer = await manifestOf(server, '1.1.0', former);
  for (const manifest of [former, newer]) assert.ok((await server.releases.publish(signed(manifest))).ok);
  const devices = Array.from({ length: 150 }, (_, index) =>
    rehearsedDevice({
      ...{ deviceId: `camera-${index}`, hardwareId: 'rev-a', factory: former },
      isHealthy: () => true,
      send: sendTo(server),
    }),
  );
  for (const device of devices) await device.register();
  const plan = planOf(newer, { waves: OPEN });
  await startRollout(server, plan);
  const now = () => server.queries.status().fleetTime;
  const stepBy = async (delayMs: number) => assert.ok((await server.step(fleetInstant(now() + delayMs))).ok);
  const view = async () => {
    const shown = await server.queries.showRollout(plan.rolloutId);
    assert.ok(shown.ok);
    return shown.value;
  };

  // Ten devices and their controls; then more, as the first have told of committed boots.
  for (let round = 0; round < 3; round++) {
    for (const device of devices) await device.wake(now());
    await stepBy(10 * MINUTE_MS);
  }
  const before = (await view()).exposure;
  assert.ok(before !== undefined && before.granted >= 10);

  // Stopped, or asleep: nobody is answered, and every window of a day ends meanwhile.
  await stepBy(hours(30));
  const { rollout, evidence, decision } = await view();
  const silent = (arm: 'treated' | 'control') =>
    (evidence?.closed ?? []).reduce(
      (sum, one) => sum + (one.metric === 'silent24' && one.arm === arm ? one.events : 0),
      0,
    );
  assert.ok(silent('treated') >= 10 && silent('control') >= 10, 'both arms were silent alike');
  assert.equal(rollout.state, 'running', rollout.reason);
  assert.notEqual(decision?.overall.kind, 'halt');
  for (const { metric, lnE, threshold } of decision?.figures ?? []) {
    assert.ok(lnE < threshold / 2, `${metric} is not half-way to its threshold: ${lnE} of ${threshold}`);
  }

  const again = await server.queries.listDecisions(plan.rolloutId, { limit: 100 });
  assert.ok(again.length > 0);
  assert.deepEqual(
    again.flatMap((one) => replayDecision(plan, one)),
    [],
  );
});

// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PermitDocument } from '@outrider/domain/gateway/permit';
import { hours } from '@outrider/domain/kernel/time';
import type { Gates } from '@outrider/domain/policy/rollout';
import { parsePermitDocument } from '@outrider/protocol/gateway/permit';
import { memoryStore } from '@outrider/testkit/memory-store';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';
import { HARDWARE_IDS, manifestOf, planOf, rehearse, SOON, signed, startRollout } from '../rehearsal.ts';
import { type RehearsedDevice, rehearsedDevice, sendTo } from '../rehearsed-device.ts';

/** A plan whose base rate is so high that its test sees nothing in 3 % of reverts: what is left is the belt. */
const GATES: Gates = {
  alpha: 0.01,
  profile: 'standard',
  metrics: [{ kind: 'base', metric: 'revert', weight: 1, baseRate: 0.2, windowMs: hours(1), onCross: 'halt' }],
};

test('installations that fall back within ten minutes trip the plain breaker: a pause, which a person ends', async () => {
  const { server, step } = rehearse({ store: memoryStore(), blobs: memoryBlobs(), schedule: SOON });
  const former = await manifestOf(server, '1.0.0');
  const newer = await manifestOf(server, '1.1.0', former);
  for (const manifest of [former, newer]) assert.ok((await server.releases.publish(signed(manifest))).ok);
  const devices = Array.from({ length: 460 }, (_, index) =>
    rehearsedDevice({
      ...{ deviceId: `camera-${index}`, hardwareId: HARDWARE_IDS[index % 3] ?? 'rev-a', factory: former },
      ...{ tags: ['dogfood'], isHealthy: () => true, send: sendTo(server) },
    }),
  );
  for (const device of devices) await device.register();
  const plan = planOf(newer, { gates: GATES });
  const { rolloutId } = plan;
  await startRollout(server, plan);
  await step();
  async function view() {
    const shown = await server.queries.showRollout(rolloutId);
    assert.ok(shown.ok);
    return shown.value;
  }

  // All in the ring: 10 permits, then at most four times as many as have confirmed.
  const waiting = [...devices];
  let round = 0;
  for (; round < 6 && (await view()).rollout.state === 'running'; round++) {
    const permitted = await permitsOf(waiting);
    for (const [index, { device, permit }] of permitted.entries()) {
      // Three in a hundred, but only of a round in which two hundred end.
      const fallsBack = permitted.length >= 200 && index % 33 === 0;
      await device.report(fallsBack ? 'reverted' : 'verified', permit);
    }
    await step();
  }
  const { rollout: paused, decision } = await view();
  assert.equal(paused.state, 'paused', `${paused.reason} after ${round} rounds`);
  assert.match(
    paused.reason,
    /^Breaker: \d+ of \d+ installations fell back within ten minutes, allowed are fewer than 2 %$/,
  );
  assert.equal(decision?.overall.kind, 'pause');
  const [next] = waiting;
  assert.ok(next !== undefined, 'devices are left');
  assert.notEqual((await next.checkIn()).kind, 'offer', 'nobody is offered anything while it is paused');

  // Nothing ends a pause but people.
  for (let steps = 0; steps < 4; steps++) await step();
  assert.equal((await view()).rollout.state, 'paused');
  const resume = { rolloutId, event: 'resume', reason: 'a depot lost its power', author: 'ada' } as const;
  assert.ok((await server.policy.changeRollout(resume)).ok);
  await step();
  assert.equal((await view()).rollout.state, 'running', 'the ends of that time are told of no more');
  assert.ok((await permitsOf(waiting)).length > 0);
  const replay = await server.queries.listDecisions(rolloutId, { limit: 100 });
  assert.ok(
    replay.some((one) => one.decision.overall.kind === 'pause'),
    'the pause is stored with its inputs',
  );
  await server.close();
});

/** Enough for the breaker, which looks at two hundred ends or more, and some devices are left. */
const ROUND_DEVICES_MAX = 220;

/** Asks for each device in turn until a cap is full or the round is large enough; those with a permit are waiting no more. */
async function permitsOf(
  waiting: RehearsedDevice[],
): Promise<readonly { readonly device: RehearsedDevice; readonly permit: PermitDocument }[]> {
  const permitted: { readonly device: RehearsedDevice; readonly permit: PermitDocument }[] = [];
  for (const device of [...waiting]) {
    if (permitted.length === ROUND_DEVICES_MAX) break;
    const offer = await device.checkIn();
    if (offer.kind !== 'offer') break;
    const answer = await device.askPermit(offer);
    if (answer.kind !== 'permit') break;
    const permit = parsePermitDocument(answer.permit.payload);
    assert.ok(permit.ok);
    permitted.push({ device, permit: permit.value });
    waiting.splice(waiting.indexOf(device), 1);
  }
  return permitted;
}

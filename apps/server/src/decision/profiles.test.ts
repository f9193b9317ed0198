// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { present } from '@outrider/domain/kernel/assert';
import { HOUR_MS, hours } from '@outrider/domain/kernel/time';
import { defaultGates } from '@outrider/domain/policy/default-plan';
import type { Exposure } from '@outrider/domain/policy/exposure';
import type { Gates } from '@outrider/domain/policy/rollout';
import { memoryStore } from '@outrider/testkit/memory-store';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';
import { HARDWARE_IDS, manifestOf, planOf, rehearse, SOON, signed, startRollout } from '../rehearsal.ts';
import { rehearsedDevice, sendTo } from '../rehearsed-device.ts';

const DEVICES = 200;
/** What a fleet so small may risk: the least there is. */
const BUDGET_DEVICES = 50;
const BAKE_HOURS = 48;
const DAYS_PLAYED = 4;

/** How far a rollout was open at each step of ten minutes. */
interface Moment {
  readonly atHours: number;
  readonly exposure: Exposure;
}

/** The same good release to the same fleet, by the whole server, under this profile. */
async function played(profile: Gates['profile']): Promise<readonly Moment[]> {
  const { server, step, now } = rehearse({ store: memoryStore(), blobs: memoryBlobs(), schedule: SOON });
  const former = await manifestOf(server, '1.0.0');
  const newer = await manifestOf(server, '1.1.0', former);
  for (const manifest of [former, newer]) assert.ok((await server.releases.publish(signed(manifest))).ok);
  const devices = Array.from({ length: DEVICES }, (_, index) =>
    rehearsedDevice({
      ...{ deviceId: `camera-${index}`, hardwareId: HARDWARE_IDS[index % 2] ?? 'rev-a', factory: former },
      ...{ isHealthy: () => true, send: sendTo(server) },
    }),
  );
  for (const device of devices) await device.register();
  const plan = planOf(newer, {
    gates: { ...defaultGates(), profile },
    waves: [
      { name: 'half', ringTags: [], exposurePermille: 500, bakeMs: hours(BAKE_HOURS) },
      { name: 'everyone', ringTags: [], exposurePermille: 1000, bakeMs: hours(0) },
    ],
  });
  await startRollout(server, plan);
  const began = now();
  const moments: Moment[] = [];
  while (now() - began < DAYS_PLAYED * 24 * HOUR_MS) {
    await step();
    for (const device of devices) if (device.wakesAt() <= now()) await device.wake(now());
    const view = await server.queries.showRollout(plan.rolloutId);
    assert.ok(view.ok);
    moments.push({ atHours: (now() - began) / HOUR_MS, exposure: present(view.value.exposure, 'an exposure') });
    if (moments.at(-1)?.exposure.isComplete === true) break;
  }
  await server.close();
  return moments;
}

function capBy(moments: readonly Moment[], atHours: number): number {
  return Math.max(...moments.filter((one) => one.atHours < atHours).map((one) => one.exposure.cap));
}

/** When the last wave opened, and when all were released; infinite: not in the days played. */
function hoursTo(moments: readonly Moment[], isThere: (exposure: Exposure) => boolean): number {
  return moments.find((one) => isThere(one.exposure))?.atHours ?? Number.POSITIVE_INFINITY;
}

test('careful, standard and fast differ by budget and by what they wait for, and in no wave by its bake time', async () => {
  const careful = await played('careful');
  const standard = await played('standard');
  const fast = await played('fast');

  // Until the first windows of 24 h have closed the budget alone decides; careful risks half of it.
  assert.deepEqual(
    [careful, standard, fast].map((moments) => capBy(moments, 24)),
    [BUDGET_DEVICES / 2, BUDGET_DEVICES, BUDGET_DEVICES],
  );
  // Until those of 72 h have: careful risks one budget of those who may yet fall silent, standard three, fast does not wait.
  assert.deepEqual([capBy(careful, 72), capBy(standard, 72)], [BUDGET_DEVICES / 2, 3 * BUDGET_DEVICES]);
  assert.ok(capBy(fast, 72) > 3 * BUDGET_DEVICES, `${capBy(fast, 72)}`);
  assert.match(careful.at(70 * 6)?.exposure.holdReason ?? '', /no control window of silent72 has closed yet/);
  const completeAt = [careful, standard].map((moments) => hoursTo(moments, (one) => one.isComplete));
  const [carefulAt = 0, standardAt = Number.NaN] = completeAt;
  assert.ok(standardAt > 72 && carefulAt > standardAt, `${completeAt.join(' and ')} hours`);

  // No profile opens a wave before its bake time, which runs from the first device that asked.
  for (const moments of [careful, standard, fast]) {
    assert.ok(hoursTo(moments, (one) => one.waveIndex === 1) >= BAKE_HOURS);
    assert.ok(moments.every(({ exposure }) => exposure.granted <= exposure.cap));
  }
});

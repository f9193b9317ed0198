// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { steppedClock } from '@outrider/adapters/shared/clock';
import type { Network } from '@outrider/domain/device/ports';
import type { PermitAnswer, PermitRequest } from '@outrider/domain/gateway/permit';
import type { DeviceId, ReleaseCounter, ReleaseId, RolloutId } from '@outrider/domain/kernel/ids';
import { ok } from '@outrider/domain/kernel/result';
import { after, durationMs, fleetInstant, hours } from '@outrider/domain/kernel/time';
import { memoryBoot } from '@outrider/testkit/memory-boot';
import { deviceLife } from './device-life.ts';
import { enrolmentFate, natureOf } from './fate.ts';
import { worldTruth } from './truth.ts';
import type { World } from './world.ts';

const WORLD: World = {
  schema: 1,
  seed: 'life',
  defects: [{ version: '1.2.0', hardwareId: 'rev-c', revertProbability: 1 }],
};
const START = fleetInstant(1_800_000_000_000);
const ROLLOUT = 'rollout' as RolloutId;
const CONTROL: PermitAnswer = { kind: 'not-yet', code: 'control-arm', askAfterMs: durationMs(600_000) };

/** The first device of the world that an enrolment at START silences for days. */
function silentDevice(): DeviceId {
  for (let index = 0; index < 10_000; index++) {
    const deviceId = `camera-${index}` as DeviceId;
    const fate = enrolmentFate(WORLD, natureOf(WORLD, deviceId, 'rev-a'), { rolloutId: ROLLOUT, at: START });
    if (fate.silentUntil !== undefined) return deviceId;
  }
  throw new Error('Expected one device in ten thousand to fall silent');
}

function lifeOf(deviceId: DeviceId, hardwareId = 'rev-a') {
  const clock = steppedClock(START);
  const truth = worldTruth();
  const life = deviceLife({ world: WORLD, nature: natureOf(WORLD, deviceId, hardwareId), truth, clock });
  return { clock, truth, life };
}

function networkAnswering(answer: PermitAnswer): Network {
  return {
    checkIn: async () => ok({ kind: 'refusal', code: 'no-rollout', pollAfterMs: hours(12) }),
    askPermit: async () => ok(answer),
    sendReport: async () => ok('acknowledged'),
    async *fetchBlob() {},
  };
}

function requestOf(deviceId: DeviceId): PermitRequest {
  return { deviceId, sequence: 1, rolloutId: ROLLOUT, releaseId: 'r' as ReleaseId, isRollback: false };
}

test('a device of the control arm falls silent by the same chance as a treated one, and comes back by itself', async () => {
  const deviceId = silentDevice();
  const { clock, life } = lifeOf(deviceId);
  const network = life.throughWorld(networkAnswering(CONTROL));
  assert.equal((await network.askPermit(requestOf(deviceId))).ok, true);
  assert.equal(life.isSilent(), true);
  assert.equal((await network.askPermit(requestOf(deviceId))).ok, false);
  const wakesAt = life.wakeAt(after(START, hours(1)));
  assert.ok(wakesAt > after(START, hours(24)));
  clock.stepTo(wakesAt);
  assert.equal(life.isSilent(), false);
  assert.equal((await network.askPermit(requestOf(deviceId))).ok, true);
});

test('being told again to wait is no new enrolment: chance is drawn once', async () => {
  const deviceId = silentDevice();
  const { clock, life } = lifeOf(deviceId);
  const network = life.throughWorld(networkAnswering(CONTROL));
  await network.askPermit(requestOf(deviceId));
  clock.stepTo(life.wakeAt(START));
  await network.askPermit(requestOf(deviceId));
  assert.equal(life.isSilent(), false);
});

test('harm is counted where the bad image failed its health check, and nowhere else', async () => {
  for (const [hardwareId, version, harmed] of [
    ['rev-c', '1.2.0', 1],
    ['rev-a', '1.2.0', 0],
    ['rev-c', '1.1.0', 0],
  ] as const) {
    const { truth, life } = lifeOf('camera-1' as DeviceId, hardwareId);
    const boot = memoryBoot({ version, releaseCounter: 1 as ReleaseCounter, components: [] });
    const verdict = await life.healthOf(boot).check();
    assert.equal(verdict.isHealthy, harmed === 0);
    assert.equal(truth.harmedBy(version).size, harmed);
  }
});

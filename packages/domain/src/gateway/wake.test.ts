// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aDevice, anExposure, aSnapshot, id, NOW } from '@outrider/testkit/small-fleet';
import type { DeviceId, RolloutId } from '../kernel/ids.ts';
import type { PolicyChange } from '../policy/log.ts';
import { answerCheckIn } from './answer-check-in.ts';
import type { PolicySnapshot } from './snapshot.ts';
import { type Call, callsBetween, isCalled, type Listener } from './wake.ts';

const RUNNING = {};
const CAMERA: Listener = { deviceId: id<DeviceId>('d1'), deviceType: 'camera', region: 'eu', tags: [] };

function called(calls: readonly Call[], change: Partial<Listener> = {}): boolean {
  return calls.some((call) => isCalled(call, { ...CAMERA, ...change }));
}

function after(change: PolicyChange): PolicySnapshot {
  return aSnapshot([RUNNING], [change]);
}

const before = aSnapshot([RUNNING]);

test('a policy that says the same as before calls nobody', () => {
  assert.deepEqual(callsBetween(before, aSnapshot([RUNNING])), []);
});

test('a pause, and its end, call whoever a live rollout may be for, in the region that is paused', () => {
  const everywhere = after({ kind: 'scope-paused', scope: 'global', reason: 'r' });
  assert.ok(called(callsBetween(before, everywhere)));
  assert.ok(called(callsBetween(everywhere, before)));
  assert.ok(!called(callsBetween(before, everywhere), { deviceType: 'lamp' }), 'nothing is for lamps');
  const regional = callsBetween(before, after({ kind: 'scope-paused', scope: 'region:us', reason: 'r' }));
  assert.ok(called(regional, { region: 'us' }));
  assert.ok(!called(regional));
});

test('a rollout that is stopped calls those it has come to, and one that starts too', () => {
  const whole = anExposure({ isComplete: true });
  const running = aSnapshot([{ ...RUNNING, exposure: whole }]);
  const paused = aSnapshot(
    [{ ...RUNNING, exposure: whole }],
    [{ kind: 'rollout-event', rolloutId: id<RolloutId>('r1'), event: 'pause', reason: 'r' }],
  );
  assert.ok(called(callsBetween(running, paused)));
  assert.ok(!called(callsBetween(running, paused), { deviceType: 'lamp' }));
  assert.ok(called(callsBetween(aSnapshot([]), running)));
});

test('an order about an audience calls those who may be in it, and nobody who is known not to be', () => {
  const excluded = (of: Extract<PolicyChange, { kind: 'exclusion-set' }>['of']) =>
    callsBetween(before, after({ kind: 'exclusion-set', exclusionId: 'e1', of, reason: 'r' }));
  assert.ok(called(excluded({ kind: 'device', in: ['d1'] })));
  assert.ok(!called(excluded({ kind: 'device', in: ['d2'] })));
  assert.ok(called(excluded({ kind: 'not', of: { kind: 'device', in: ['d2'] } })));
  assert.ok(!called(excluded({ kind: 'not', of: { kind: 'device', in: ['d1'] } })));
  assert.ok(called(excluded({ kind: 'tag', tag: 'taxi' }), { tags: ['taxi'] }));
  assert.ok(!called(excluded({ kind: 'all-of', of: [{ kind: 'everyone' }, { kind: 'tag', tag: 'taxi' }] })));
  assert.ok(called(excluded({ kind: 'attribute', name: 'carrier', in: ['lte-one'] })), 'the carrier is not known here');
  assert.ok(!called(excluded({ kind: 'attribute', name: 'region', in: ['us'] })));
});

test('of a wider wave those are called to whom it comes now: with whoever gets an offer that had none, and few others', () => {
  const reach = (downloadsAllowed: number) => aSnapshot([{ ...RUNNING, exposure: anExposure({ downloadsAllowed }) }]);
  const [narrow, wide] = [reach(300), reach(900)];
  const calls = callsBetween(narrow, wide);
  let [offered, inVain] = [0, 0];
  for (let number = 0; number < 2_000; number++) {
    const device = aDevice({ deviceId: `d${number}` });
    const checkIn = {
      deviceId: device.record.deviceId,
      sequence: 9,
      running: device.record.status.running,
      state: 'idle',
    } as const;
    const [was, is] = [narrow, wide].map((snapshot) => answerCheckIn(snapshot, device, checkIn, NOW).kind);
    const { deviceId } = device.record;
    if (was !== 'offer' && is === 'offer') {
      offered++;
      assert.ok(called(calls, { deviceId }), `${deviceId} has an offer now, and is not called`);
    } else if (called(calls, { deviceId })) inVain++;
  }
  assert.ok(offered > 300 && offered < 500, `${offered} of 2,000 are reached by a fifth more`);
  assert.ok(inVain < 10, `${inVain} were called in vain`);
  assert.deepEqual(callsBetween(wide, narrow), [], 'caps that fall, which they never do, call nobody');
});

test('a ring that opens calls the devices that bear its tag', () => {
  const [closed, open] = [0, 1].map((waveIndex) =>
    aSnapshot([{ ...RUNNING, exposure: anExposure({ waveIndex, downloadsAllowed: 0 }) }]),
  ) as [PolicySnapshot, PolicySnapshot];
  const { waves } = [...open.rollouts.values()][0]?.rollout.plan ?? { waves: [] };
  const calls = callsBetween(closed, open);
  for (const tag of waves[1]?.ringTags ?? []) assert.ok(called(calls, { tags: [tag] }), tag);
  assert.ok(!called(calls, { tags: [] }));
});

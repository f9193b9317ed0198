// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DAY_MS, fleetInstant } from '@outrider/domain/kernel/time';
import { memoryStore } from '@outrider/testkit/memory-store';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';
import { manifestOf, planOf, rehearse, SOON, signed, startRollout } from '../rehearsal.ts';
import { rehearsedDevice, sendTo } from '../rehearsed-device.ts';

test('the ledger says of each enrolment whether its device was silent in the days before it asked, or that nobody knows', async () => {
  const { server, now } = rehearse({ store: memoryStore(), blobs: memoryBlobs(), schedule: SOON });
  const former = await manifestOf(server, '1.0.0');
  const newer = await manifestOf(server, '1.1.0', former);
  for (const manifest of [former, newer]) assert.ok((await server.releases.publish(signed(manifest))).ok);
  const [sleeper, talker, newcomer] = ['camera-sleeper', 'camera-talker', 'camera-newcomer'].map((deviceId) =>
    rehearsedDevice({
      ...{ deviceId, hardwareId: 'rev-a', tags: ['dogfood'], factory: former, isHealthy: () => true },
      send: sendTo(server),
    }),
  );
  assert.ok(sleeper !== undefined && talker !== undefined && newcomer !== undefined);
  const begin = now();
  const goTo = async (days: number) => assert.ok((await server.step(fleetInstant(begin + days * DAY_MS))).ok);
  for (const device of [sleeper, talker]) await device.register();
  await goTo(3);
  await talker.checkIn();
  await goTo(4.5);
  await newcomer.register();
  const plan = planOf(newer);
  await startRollout(server, plan);
  await goTo(5);
  for (const device of [sleeper, talker, newcomer]) {
    const offer = await device.checkIn();
    assert.ok(offer.kind === 'offer');
    assert.equal((await device.askPermit(offer)).kind, 'permit');
  }
  const rows = await server.queries.listLedger(plan.rolloutId, { afterPosition: 0, limit: 10 });
  assert.deepEqual(
    rows.map(({ row }) => [row.deviceId, row.wasSilentBefore, row.hadCrashBefore]),
    [
      ['camera-sleeper', true, undefined],
      ['camera-talker', false, undefined],
      ['camera-newcomer', undefined, undefined],
    ],
  );
});

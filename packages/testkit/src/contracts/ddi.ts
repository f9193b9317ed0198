// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type DdiAction, type DdiDevice, withAction } from '@outrider/domain/gateway/ddi/ddi-device';
import type { PermitId } from '@outrider/domain/kernel/ids';
import { at, device, deviceIdOf, digestOf, idOf, publicKeyOf, RELEASE, ROLLOUT } from './store-fixtures.ts';
import { type OpenStore, useStore } from './use-store.ts';

/** What every store of DDI devices must do. */
export function ddiContract(adapter: string, open: OpenStore): void {
  describe(`devices that speak DDI: ${adapter}`, () => {
    test('a device is added once, with its record, and the audit log says so', () =>
      useStore(open, async ({ ddi, registry, audit }) => {
        const added = await ddi.addDevices([{ record: device(1), ddi: ddiDevice(1) }], NOTE);
        assert.deepEqual(added, [{ ok: true, value: device(1) }]);
        assert.deepEqual(await ddi.loadDevices([deviceIdOf(1), deviceIdOf(2)]), [ddiDevice(1)]);
        assert.equal((await registry.loadDevices([deviceIdOf(1)])).length, 1);
        assert.equal((await audit.loadEntries({ after: 0, limit: 9 })).length, 1);
      }));

    test('an id that another device has is refused, and stays what it was', () =>
      useStore(open, async ({ ddi, registry, audit }) => {
        await registry.register([device(1)]);
        const thief = { ...device(1), publicKey: publicKeyOf('a stolen name') };
        assert.deepEqual(await ddi.addDevices([{ record: thief, ddi: ddiDevice(1) }], NOTE), [
          { ok: false, error: { code: 'device-key-differs' } },
        ]);
        assert.deepEqual(await ddi.loadDevices([deviceIdOf(1)]), []);
        assert.equal((await audit.loadEntries({ after: 0, limit: 9 })).length, 0);
      }));

    test('changes of one device come one after another, each from what holds', () =>
      useStore(open, async ({ ddi }) => {
        await ddi.addDevices([{ record: device(1), ddi: ddiDevice(1) }], NOTE);
        const opened = Array.from({ length: 8 }, (_, index) =>
          ddi.changeDevice(deviceIdOf(1), (held) => withAction(held, action(index + 1))),
        );
        await Promise.all(opened);
        const [held] = await ddi.loadDevices([deviceIdOf(1)]);
        assert.deepEqual(
          held?.actions.map((one) => one.actionId).toSorted((a, b) => a - b),
          [1, 2, 3, 4, 5, 6, 7, 8],
        );
      }));

    test('a change that comes to nothing changes nothing; of an unknown device there is nothing to change', () =>
      useStore(open, async ({ ddi, audit }) => {
        await ddi.addDevices([{ record: device(1), ddi: ddiDevice(1) }], NOTE);
        assert.deepEqual(await ddi.changeDevice(deviceIdOf(1), () => undefined, NOTE), ddiDevice(1));
        assert.equal(await ddi.changeDevice(deviceIdOf(2), (held) => held, NOTE), undefined);
        assert.equal((await audit.loadEntries({ after: 0, limit: 9 })).length, 1);
      }));
  });
}

const NOTE = {
  at: at(1),
  actor: 'ada',
  action: 'ddi-devices-added',
  subject: 'camera-000001',
} as const;

function ddiDevice(number: number): DdiDevice {
  return {
    deviceId: deviceIdOf(number),
    tokenDigest: digestOf('a token'),
    maintenanceWindow: { fromMinute: 1_320, toMinute: 240 },
    told: { at: at(3), data: { hw: 'rev 3 ä' } },
    actions: [],
  };
}

function action(number: number): DdiAction {
  return {
    actionId: number,
    attempt: 1,
    permitId: idOf<PermitId>(String(number).padStart(32, '0')),
    rolloutId: ROLLOUT,
    releaseId: RELEASE,
    isRollback: false,
    state: 'open',
    openedAt: at(number),
  };
}

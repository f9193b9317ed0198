// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DeviceStatus } from '@outrider/domain/gateway/device-record';
import {
  at,
  commitOne,
  device,
  deviceIdOf,
  exposureOf,
  proposal,
  publicKeyOf,
  ROLLOUT,
  startRollout,
} from './store-fixtures.ts';
import type { OpenStore } from './use-store.ts';
import { useStore } from './use-store.ts';

/** What every registry of devices must do. */
export function registryContract(adapter: string, open: OpenStore): void {
  describe(`registry: ${adapter}`, () => {
    test('a device is found as it was registered', () =>
      useStore(open, async ({ registry }) => {
        assert.deepEqual(await registry.register([device(1), device(2)]), [
          { ok: true, value: device(1) },
          { ok: true, value: device(2) },
        ]);
        const [known, ...others] = await registry.loadDevices([deviceIdOf(2), deviceIdOf(9)]);
        assert.deepEqual(known, { record: device(2), ledger: [] });
        assert.equal(others.length, 0, 'a device that was never registered is left out');
      }));

    test('a device that registers again keeps its record; another key under its name is refused', () =>
      useStore(open, async ({ registry }) => {
        await registry.register([device(1)]);
        const later = { ...device(1), registeredAt: at(9) };
        assert.deepEqual(await registry.register([later]), [{ ok: true, value: device(1) }]);
        const thief = { ...device(1), publicKey: publicKeyOf('a stolen name') };
        assert.deepEqual(await registry.register([thief, device(2)]), [
          { ok: false, error: { code: 'device-key-differs' } },
          { ok: true, value: device(2) },
        ]);
      }));

    test('devices are counted by the state they last told', () =>
      useStore(open, async ({ registry }) => {
        assert.deepEqual(await registry.countStates(), new Map());
        await registry.register([device(1), device(2), device(3)]);
        await registry.storeStatuses([{ deviceId: deviceIdOf(1), status: { ...status(5), state: 'failed' } }]);
        const counts = await registry.countStates();
        assert.deepEqual([counts.get('failed'), counts.get(device(2).status.state)], [1, 2]);
      }));

    test('an older status never overwrites a newer one, in one batch or over many', () =>
      useStore(open, async ({ registry }) => {
        await registry.register([device(1), device(2)]);
        await registry.storeStatuses([
          { deviceId: deviceIdOf(1), status: status(5) },
          { deviceId: deviceIdOf(2), status: status(3) },
          { deviceId: deviceIdOf(1), status: status(4) },
          { deviceId: deviceIdOf(7), status: status(1) },
        ]);
        await registry.storeStatuses([{ deviceId: deviceIdOf(2), status: { ...status(3), state: 'failed' } }]);
        const records = await registry.listDevices({ limit: 10 });
        assert.deepEqual(
          records.map((one) => one.status),
          [status(5), status(3)],
        );
      }));

    test('contacts that two gateways have noted are kept together, and forgotten after three days', () =>
      useStore(open, async ({ registry }) => {
        await registry.register([{ ...device(1), status: { ...status(1), ...heard(0, 0b1) } }, device(2)]);
        const stored = async () => (await registry.listDevices({ limit: 1 }))[0]?.status.contactHistory;
        assert.deepEqual(await stored(), { since: at(0), slots: 0b1 });
        const afterADay = { ...status(2), ...heard(24, 0b1) };
        await registry.storeStatuses([{ deviceId: deviceIdOf(1), status: afterADay }]);
        assert.deepEqual(await stored(), { since: at(0), slots: 0b10001 });
        const other = { ...status(3), ...heard(30, 0b11) };
        await registry.storeStatuses([{ deviceId: deviceIdOf(1), status: other }]);
        assert.deepEqual(await stored(), { since: at(0), slots: 0b100011 });
        const { contactHistory: _, ...older } = { ...status(4), ...heard(36, 0) };
        await registry.storeStatuses([{ deviceId: deviceIdOf(1), status: older }]);
        await registry.storeStatuses([
          { deviceId: deviceIdOf(1), status: { ...status(5), ...heard(500, 0b1) } },
          { deviceId: deviceIdOf(2), status: { ...status(5), ...heard(500, 0b1) } },
        ]);
        const records = await registry.listDevices({ limit: 2 });
        assert.deepEqual(
          records.map((one) => one.status.contactHistory),
          [
            { since: at(0), slots: 0b1 },
            { since: at(500 * 60), slots: 0b1 },
          ],
        );
      }));

    test('a contact without news moves the sequence and the contacts on, and leaves what runs as it is', () =>
      useStore(open, async ({ registry }) => {
        await registry.register([{ ...device(1), status: { ...status(1), ...heard(0, 0b1) } }, device(2)]);
        await registry.storeContacts({
          deviceIds: [deviceIdOf(1), deviceIdOf(7), deviceIdOf(1)],
          sequences: [3, 3, 2],
          lastContactsAt: [at(24 * 60), at(24 * 60), at(60)],
          since: [at(0), at(0), at(0)],
          slots: [0b1, 0b1, 0b1],
        });
        const stored = async () => (await registry.listDevices({ limit: 1 }))[0]?.status;
        const contactHistory = { since: at(0), slots: 0b10001 };
        const expected = { ...status(1), sequence: 3, lastContactAt: at(24 * 60), contactHistory };
        assert.deepEqual(await stored(), expected);
        const older = { sequences: [3], lastContactsAt: [at(36 * 60)], since: [at(0)], slots: [0b1] };
        await registry.storeContacts({ deviceIds: [deviceIdOf(1)], ...older });
        assert.deepEqual(await stored(), expected);
      }));

    test('the list pages through every device once, in order of their ids', () =>
      useStore(open, async ({ registry }) => {
        const numbers = [5, 3, 1, 4, 2, 0, 6];
        await registry.register(numbers.map(device));
        const seen = [];
        let page = await registry.listDevices({ limit: 3 });
        while (page.length > 0) {
          seen.push(...page.map((one) => one.deviceId));
          page = await registry.listDevices({ limit: 3, ...lastOf(seen) });
        }
        assert.deepEqual(seen, numbers.toSorted().map(deviceIdOf));
      }));

    test('a device is loaded with its rows in the ledgers, oldest first', () =>
      useStore(open, async (store) => {
        await store.registry.register([device(1)]);
        await startRollout(store, exposureOf(ROLLOUT, 10));
        const control = proposal(1, { arm: 'control' }).row;
        await commitOne(store, { row: control, region: 'north' });
        const again = { ...control, enrolment: 2, piBefore: 0.2, pi: 0.5, piEffective: 0.375 };
        await commitOne(store, { row: again, region: 'north' });
        const [known] = await store.registry.loadDevices([deviceIdOf(1)]);
        assert.deepEqual(known?.ledger, [control, again]);
      }));
  });
}

/** Heard of so many hours after the start, with these contacts before. */
function heard(hours: number, slots: number): Pick<DeviceStatus, 'lastContactAt' | 'contactHistory'> {
  const lastContactAt = at(hours * 60);
  return { lastContactAt, contactHistory: { since: hours < 100 ? at(0) : lastContactAt, slots } };
}

function status(sequence: number): DeviceStatus {
  return { ...device(1).status, sequence, lastContactAt: at(sequence), state: 'checking' };
}

function lastOf<T>(seen: readonly T[]): { readonly after?: T } {
  const last = seen.at(-1);
  return last === undefined ? {} : { after: last };
}

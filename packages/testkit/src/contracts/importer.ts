// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ServerStore } from '@outrider/domain/decision/server-store';
import type { DeviceImport } from '@outrider/domain/gateway/device-import';
import { at, device, deviceIdOf, publicKeyOf } from './store-fixtures.ts';
import { type OpenStore, useStore } from './use-store.ts';

/** What every importer of devices must do. */
export function importerContract(adapter: string, open: OpenStore): void {
  describe(`importer: ${adapter}`, () => {
    test('a device that was announced registers with the attributes of the announcement, and is announced no more', () =>
      useStore(open, async (store) => {
        const attributes = { ...device(1).attributes, region: 'south', tags: ['cohort:A'] };
        assert.deepEqual(await kindsOf(store, [{ deviceId: deviceIdOf(1), attributes }]), ['announced']);
        assert.deepEqual(await store.importer.listExpected({ limit: 9 }), [
          { deviceId: deviceIdOf(1), attributes, attributesRevision: 1, expectedSince: at(7) },
        ]);
        const [registered] = await store.registry.register([device(1)]);
        assert.deepEqual(registered, { ok: true, value: { ...device(1), attributes } });
        assert.deepEqual(await store.importer.listExpected({ limit: 9 }), []);
        assert.deepEqual((await store.registry.register([device(1)]))[0], registered, 'and again with the same answer');
      }));

    test('an announced id is refused to another key and to another hardware, and stays announced', () =>
      useStore(open, async (store) => {
        const { publicKey } = device(1).publicKey;
        await kindsOf(store, [
          { deviceId: deviceIdOf(1), attributes: device(1).attributes, publicKey },
          { deviceId: deviceIdOf(2), attributes: { ...device(2).attributes, hardwareId: 'rev-z' } },
        ]);
        const thief = { ...device(1), publicKey: publicKeyOf('a stolen name') };
        const answers = await store.registry.register([thief, device(2), device(3)]);
        assert.deepEqual(
          answers.map((one) => (one.ok ? 'registered' : one.error.code)),
          ['device-key-differs', 'device-not-as-expected', 'registered'],
        );
        assert.equal((await store.importer.listExpected({ limit: 9 })).length, 2);
        assert.equal((await store.registry.register([device(1)]))[0]?.ok, true);
      }));

    test('a change of tags alone stands in the audit log as such', () =>
      useStore(open, async (store) => {
        await store.registry.register([device(1)]);
        const line = { deviceId: deviceIdOf(1), attributes: { ...device(1).attributes, tags: ['lab'] } };
        const context = { now: at(7), author: 'ada', isDryRun: false, tagged: { add: ['lab'], remove: ['beta'] } };
        await store.importer.importDevices([{ ...line, attributesRevision: 1 }], context);
        const [row] = await store.audit.loadEntries({ after: 0, limit: 9 });
        const { action, subject, detail } = JSON.parse(row?.text ?? '');
        assert.deepEqual([action, subject, detail], ['devices-tagged', deviceIdOf(1), '+lab -beta']);
      }));

    test('attributes of a registered device change only from the revision that was seen', () =>
      useStore(open, async (store) => {
        await store.registry.register([device(1)]);
        const line = { deviceId: deviceIdOf(1), attributes: { ...device(1).attributes, customer: 'globex' } };
        assert.deepEqual(await kindsOf(store, [line]), ['device-differs']);
        assert.deepEqual(await kindsOf(store, [{ ...line, attributesRevision: 1 }]), ['updated']);
        assert.deepEqual(await kindsOf(store, [{ ...line, attributesRevision: 1 }]), ['unchanged'], 'run again');
        const stale = { ...line, attributes: device(1).attributes, attributesRevision: 1 };
        assert.deepEqual(await kindsOf(store, [stale]), ['attributes-stale']);
        const [known] = await store.registry.loadDevices([deviceIdOf(1)]);
        assert.equal(known?.record.attributes.customer, 'globex');
      }));

    test('each change of a registered device can be followed, in order, and nothing else', () =>
      useStore(open, async (store) => {
        await store.registry.register([device(1), device(2)]);
        const inRegion = (number: number, region: string, attributesRevision?: number): DeviceImport => ({
          deviceId: deviceIdOf(number),
          attributes: { ...device(number).attributes, region },
          ...(attributesRevision === undefined ? {} : { attributesRevision }),
        });
        await kindsOf(store, [inRegion(9, 'east')]);
        await kindsOf(store, [inRegion(2, 'west', 1), inRegion(1, 'west', 1)]);
        await kindsOf(store, [inRegion(2, 'east', 2)]);
        const changes = await store.importer.loadAttributeChanges({ afterPosition: 0, limit: 9 });
        assert.deepEqual(
          changes.map(({ deviceId, attributes }) => [deviceId, attributes.region]),
          [
            [deviceIdOf(1), 'west'],
            [deviceIdOf(2), 'west'],
            [deviceIdOf(2), 'east'],
          ],
        );
        const last = await store.importer.lastAttributeChange();
        assert.equal(changes.at(-1)?.position, last);
        assert.deepEqual(await store.importer.loadAttributeChanges({ afterPosition: last, limit: 9 }), []);
      }));

    test('a dry run answers the same and changes nothing; a device named twice is refused the second time', () =>
      useStore(open, async (store) => {
        const line = { deviceId: deviceIdOf(1), attributes: device(1).attributes };
        assert.deepEqual(await kindsOf(store, [line, line], true), ['announced', 'device-repeated']);
        assert.deepEqual(await store.importer.listExpected({ limit: 9 }), []);
      }));

    test('an announcement may be corrected, and a key added, from the revision that was seen', () =>
      useStore(open, async (store) => {
        const line = { deviceId: deviceIdOf(1), attributes: device(1).attributes };
        await kindsOf(store, [line]);
        const { publicKey } = device(1).publicKey;
        assert.deepEqual(await kindsOf(store, [{ ...line, publicKey }]), ['device-differs']);
        assert.deepEqual(await kindsOf(store, [{ ...line, publicKey, attributesRevision: 1 }]), ['updated']);
        const other = publicKeyOf('another').publicKey;
        assert.deepEqual(await kindsOf(store, [{ ...line, publicKey: other, attributesRevision: 2 }]), [
          'import-key-differs',
        ]);
        const [expected] = await store.importer.listExpected({ limit: 9 });
        assert.deepEqual([expected?.publicKey, expected?.attributesRevision], [publicKey, 2]);
      }));
  });
}

async function kindsOf(
  { importer }: ServerStore,
  lines: readonly DeviceImport[],
  isDryRun = false,
): Promise<readonly string[]> {
  const answers = await importer.importDevices(lines, { now: at(7), author: 'ada', isDryRun });
  return answers.map((one) => (one.ok ? one.value.kind : one.error.code));
}

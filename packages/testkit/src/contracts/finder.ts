// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ServerStore } from '@outrider/domain/decision/server-store';
import type { AskedDevice, DeviceRecord } from '@outrider/domain/gateway/device-record';
import type { DeviceQuery } from '@outrider/domain/gateway/query';
import { isAboutProfiles, matchQuery } from '@outrider/domain/gateway/query-match';
import { parseQuery } from '@outrider/domain/gateway/query-parse';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { compareVersions } from '@outrider/domain/release/version';
import fc from 'fast-check';
import { propertyOptions } from '../seed.ts';
import {
  at,
  commitOne,
  counterOf,
  device,
  deviceIdOf,
  exposureOf,
  proposal,
  ROLLOUT,
  signedReport,
  startRollout,
} from './store-fixtures.ts';
import { type OpenStore, useStore } from './use-store.ts';

/** What every finder of devices must do: answer as `matchQuery` does, on any registry. */
export function finderContract(adapter: string, open: OpenStore): void {
  describe(`finder: ${adapter}`, () => {
    test('a query finds and counts exactly the devices that it describes, page by page', () =>
      useStore(open, async (store) => {
        const fleet = mixedFleet();
        await store.registry.register(fleet);
        await fc.assert(
          fc.asyncProperty(queryText(2), fc.integer({ min: 1, max: 30 }), async (text, limit) => {
            const query = parsed(text);
            const wanted = fleet.filter((one) => matchQuery(query, one, NOW)).map((one) => one.deviceId);
            assert.deepEqual(await allPages(store, query, limit), wanted, text);
            assert.deepEqual(await store.finder.countDevices(query, NOW), { devices: wanted.length, isExact: true });
          }),
          propertyOptions({ runs: 60 }),
        );
      }));

    test('devices are counted by segment, and those of a ring among them, as they are one by one', () =>
      useStore(open, async (store) => {
        const fleet = mixedFleet();
        await store.registry.register(fleet);
        const ringTags = [...new Set(fleet.flatMap(({ attributes }) => attributes.tags))].slice(0, 1);
        await fc.assert(
          fc.asyncProperty(queryText(2), fc.constantFrom('region', 'hardwareId'), async (text, segmentBy) => {
            const query = parsed(text);
            if (!isAboutProfiles(query)) return;
            const counted = await store.finder.countSegments(query, { segmentBy, ringTags });
            const wanted = fleet.filter((one) => matchQuery(query, one, NOW));
            const segments = [...new Set(wanted.map(({ attributes }) => attributes[segmentBy]))];
            const expected = segments.map((segment) => {
              const here = wanted.filter(({ attributes }) => attributes[segmentBy] === segment);
              const ring = here.filter(({ attributes }) => attributes.tags.some((tag) => ringTags.includes(tag)));
              return { segment, devices: here.length, ringDevices: ring.length };
            });
            const inOrder = (one: { readonly segment: string }, other: { readonly segment: string }) =>
              one.segment < other.segment ? -1 : 1;
            assert.deepEqual(counted.toSorted(inOrder), expected.toSorted(inOrder), text);
          }),
          propertyOptions({ runs: 40 }),
        );
      }));

    test('images are counted by the devices that run them, exactly where devices alike run the same', () =>
      useStore(open, async (store) => {
        const fleet = mixedFleet();
        await store.registry.register(fleet);
        const [first] = fleet;
        assert.ok(first);
        const { deviceType } = first.attributes;
        const running = fleet
          .filter(({ attributes }) => attributes.deviceType === deviceType)
          .flatMap(({ status }) => status.running.components.map(({ name, digest }) => `${name} ${digest}`));
        const wanted = new Map<string, number>();
        for (const one of running) wanted.set(one, (wanted.get(one) ?? 0) + 1);
        const counted = await store.finder.countImages(deviceType);
        assert.deepEqual(new Map(counted.map((one) => [`${one.component} ${one.digest}`, one.devices])), wanted);
        assert.deepEqual(await store.finder.countImages('no-such-type'), []);
      }));

    test('versions are told apart as SemVer ranks them', () =>
      useStore(open, async (store) => {
        const fleet = VERSIONS.map((version, number) => withVersion(number, version));
        await store.registry.register(fleet);
        for (const than of VERSIONS) {
          for (const order of ['<', '<=', '=', '>=', '>'] as const) {
            const wanted = fleet.filter((one) => stands(compareVersions(one.status.running.version, than), order));
            const found = await allPages(store, { kind: 'version', order, than }, 100);
            assert.deepEqual(
              found,
              wanted.map((one) => one.deviceId),
              `${order} ${than}`,
            );
          }
        }
      }));

    test('counts follow every change: a registration, a new version, a new state, new attributes', () =>
      useStore(open, async (store) => {
        await store.registry.register([1, 2, 3].map(device));
        await store.registry.register([device(3)]);
        const status = { ...device(1).status, sequence: 1, state: 'failed' } as const;
        const running = { ...status.running, version: '2.0.0', releaseCounter: counterOf(2) };
        await store.registry.storeStatuses([{ deviceId: deviceIdOf(1), status: { ...status, running } }]);
        const moved = { ...device(2).attributes, region: 'south' };
        const line = { deviceId: deviceIdOf(2), attributes: moved, attributesRevision: 1 };
        await store.importer.importDevices([line], { now: NOW, author: 'ada', isDryRun: false });
        const counts = await Promise.all(
          ['', 'version < 2.0', 'state = failed', 'region = south', 'region = north and version = 1.0.0'].map(
            async (text) => (await store.finder.countDevices(parsed(text), NOW)).devices,
          ),
        );
        assert.deepEqual(counts, [3, 2, 1, 1, 1]);
      }));

    test('what was found carries the revision that a change of its attributes must name', () =>
      useStore(open, async (store) => {
        await store.registry.register([device(1)]);
        const [found] = await store.finder.findDevices({ kind: 'all' }, { limit: 1, now: NOW });
        assert.deepEqual(found, { record: device(1), attributesRevision: 1 });
      }));

    test('each device stands before a rollout with its newest rows and what it reported', () =>
      useStore(open, async (store) => {
        await store.registry.register([0, 1, 2].map(device));
        await startRollout(store, exposureOf(ROLLOUT, 10));
        await commitOne(store, proposal(1));
        await commitOne(store, proposal(2, { arm: 'control' }));
        const { report, ...rest } = signedReport(1, 'reverted');
        await store.reports.appendReports([{ ...rest, report: { ...report, detail: 'health check failed' } }]);
        const page = { deviceType: 'camera', limit: 2 };
        const first = await store.finder.loadStandings(ROLLOUT, page);
        const second = await store.finder.loadStandings(ROLLOUT, { ...page, after: deviceIdOf(1) });
        assert.deepEqual(
          [...first, ...second],
          [
            { device: asked(0) },
            {
              device: asked(1),
              enrolment: { arm: 'treated', grantedAt: at(0), revertedAt: at(5) },
              detail: 'health check failed',
            },
            { device: asked(2), enrolment: { arm: 'control', grantedAt: at(0) } },
          ],
        );
        assert.deepEqual(await store.finder.loadStandings(ROLLOUT, { deviceType: 'lidar', limit: 9 }), []);
        const status = { ...device(2).status, sequence: 1, state: 'failed' } as const;
        const running = { ...status.running, components: [] };
        await store.registry.storeStatuses([{ deviceId: deviceIdOf(2), status: { ...status, running } }]);
        const [again] = await store.finder.loadStandings(ROLLOUT, { ...page, after: deviceIdOf(1) });
        assert.deepEqual([again?.device.status.state, again?.device.status.running], ['failed', running]);
      }));
  });
}

/** As far as an explanation of the fleet asks about a device. */
function asked(number: number): AskedDevice {
  const { deviceId, attributes, status } = device(number);
  const { lastContactAt, running, state } = status;
  return { deviceId, attributes, status: { lastContactAt, running, state } };
}

const NOW = at(60 * 24 * 9);

function parsed(text: string): DeviceQuery {
  const query = parseQuery(text);
  assert.ok(query.ok, text);
  return query.value;
}

async function allPages({ finder }: ServerStore, query: DeviceQuery, limit: number): Promise<readonly DeviceId[]> {
  const found: DeviceId[] = [];
  for (;;) {
    const after = found.at(-1);
    const page = await finder.findDevices(query, { limit, now: NOW, ...(after === undefined ? {} : { after }) });
    found.push(...page.map((one) => one.record.deviceId));
    if (page.length < limit) return found;
  }
}

/** Devices that share and differ in everything that can be asked for. */
function mixedFleet(): readonly DeviceRecord[] {
  return Array.from({ length: 80 }, (_, number) => {
    const one = withVersion(number, VERSIONS[number % 7] ?? '1.0.0');
    return {
      ...one,
      attributes: {
        ...one.attributes,
        region: number % 3 === 0 ? 'eu' : 'us',
        customer: `c${number % 5}`,
        tags: number % 4 === 0 ? ['cohort:A', 'beta'] : number % 4 === 1 ? ['cohort:B'] : [],
      },
      registeredAt: at(number * 60),
      status: {
        ...one.status,
        lastContactAt: at(number * 170),
        state: number % 6 === 0 ? ('failed' as const) : ('idle' as const),
      },
    };
  });
}

function withVersion(number: number, version: string): DeviceRecord {
  const one = device(number);
  const running = { ...one.status.running, version, releaseCounter: counterOf(1 + (number % 4)) };
  return { ...one, status: { ...one.status, running } };
}

/** SemVer 2.0.0 §11.4 in its own example, long numbers, builds, and identifiers that sort before a dash or a digit. */
const VERSIONS = [
  '1.0.0-alpha',
  '1.0.0',
  '1.10.0',
  '2.0.0-rc.1+build.5',
  '2.0.0',
  '1.9.0',
  '2.0.0+other',
  '1.0.0-alpha.1',
  '1.0.0-alpha.beta',
  '1.0.0-beta',
  '1.0.0-beta.2',
  '1.0.0-beta.11',
  '1.0.0-rc.1',
  '1.0.0-1',
  '1.0.0-a-b',
  '1.0.0-a',
  '1.0.0-a.b',
  '1.0.0-aa',
  '1.0.0-0A',
  '1.0.0--',
  '99999999999999999999.0.0',
  '100000000000000000000.0.0',
  '0.0.0',
] as const;

function stands(difference: number, order: '<' | '<=' | '=' | '>=' | '>'): boolean {
  if (difference === 0) return order.includes('=');
  return order.startsWith(difference < 0 ? '<' : '>');
}

const COMPARISONS = [
  'region = eu',
  'customer in (c1, c2)',
  'customer = c*',
  'carrier != wire',
  'hardware = rev-a',
  'model not in (c2)',
  'cohort = A',
  'cohort = *',
  'tag = beta',
  'tag in (be*, none)',
  'version < 2.0',
  'version >= 1.10.0',
  'version = 2.0.0',
  'counter > 2',
  'state = failed',
  'state in (idle, failed)',
  'silent > 7d',
  'silent <= 36h',
  'contact >= 2027-01-17T08:00Z',
  'contact < 2027-01-18',
  'registered > 2027-01-16',
  'id = camera-00001*',
  'id in (camera-000003, camera-000050)',
  'id != camera-000007',
] as const;

function queryText(depth: number): fc.Arbitrary<string> {
  const comparison = fc.constantFrom(...COMPARISONS);
  if (depth === 0) return comparison;
  const inner = queryText(depth - 1);
  return fc.oneof(
    comparison,
    inner.map((one) => `not (${one})`),
    fc.tuple(inner, fc.constantFrom('and', 'or'), inner).map(([a, word, b]) => `(${a}) ${word} (${b})`),
  );
}

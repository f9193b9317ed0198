// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { propertyOptions } from '@outrider/testkit/seed';
import { aDevice, aManifest, aPlan, aSnapshot, digestOf, NOW } from '@outrider/testkit/small-fleet';
import fc from 'fast-check';
import type { Delta } from '../../delta/delta.ts';
import type { Bytes } from '../../kernel/ids.ts';
import { prng } from '../../kernel/prng.ts';
import { DAY_MS, fleetInstant } from '../../kernel/time.ts';
import { defaultGates } from '../../policy/default-plan.ts';
import type { PolicyChange } from '../../policy/log.ts';
import { waveDevices } from '../waves.ts';
import { STATED_BEHAVIOUR } from './behaviour.ts';
import { type CountedFleet, type ForecastDevice, fleetCounter } from './counted-fleet.ts';
import { runCourse } from './course.ts';
import { forecastDefects, revertsToHalt } from './defect-forecast.ts';
import { type Forecast, forecast } from './forecast.ts';
import { jointIntervals } from './interval.ts';
import type { ForecastOrders } from './orders.ts';
import { devicesToExclude } from './provable.ts';
import { firstWaveOf } from './wave-place.ts';

const PLAN = aPlan();
const DELTA: Delta = {
  fromDigest: digestOf('a'),
  toDigest: digestOf('b'),
  format: 'zstd-patch-1',
  digest: digestOf('d'),
  bytes: 90_000 as Bytes,
};
/** Sixteen blocks of 64 KiB, 32 bytes each. */
const BLOCK_LIST_BYTES = 16 * 32;

describe('the devices of a forecast', () => {
  test('lie in the wave that the hash says, each in exactly one, rings before the prefix', () => {
    const { classes, populations, ringDevices } = fleetOf(1_000);
    const population = populations.reduce((sum, one) => sum + one.population, 0);
    assert.equal(population, 1_000);
    assert.equal(ringDevices, 3);
    assert.equal(sum(classes.map((one) => one.devices)), 1_000);
    assert.equal(sum(classes.filter((one) => one.isRing).map((one) => one.devices)), 3);
    for (const index of PLAN.waves.keys()) {
      const placed: number = devices(1_000).filter((one) => firstWaveOf(PLAN, population, one) === index).length;
      const counted = sum(classes.filter((one) => one.waveIndex === index).map((one) => one.devices));
      assert.equal(counted, placed);
    }
  });

  test('fill each wave to about its share of the fleet', () => {
    const { classes } = fleetOf(5_000);
    for (const [index, wave] of PLAN.waves.entries()) {
      const upTo = sum(classes.filter((one) => one.waveIndex <= index).map((one) => one.devices));
      const share = waveDevices(wave, 5_000);
      assert.ok(Math.abs(upTo - share) <= 4 * Math.sqrt(share) + 3, `${wave.name}: ${upTo} of ${share}`);
    }
  });

  test('fetch the delta where there is one, the whole image where there is none, and the block list always', () => {
    const { classes } = fleetOf(200);
    const bytes = new Map(classes.map((one) => [one.version, one.bytesEach]));
    assert.equal(bytes.get('1.0.0'), 90_000 + BLOCK_LIST_BYTES);
    assert.equal(bytes.get('0.9.0'), 1_000_000 + BLOCK_LIST_BYTES);
  });

  test('that nobody can list are spread over the waves as the shares say, and none is lost', () => {
    const counter = fleetCounter(PLAN, { release: aManifest(), deltas: [] });
    counter.addAlike(forecastDevice({ deviceId: 'any' }), 99_993);
    counter.addAlike(forecastDevice({ deviceId: 'any', attributes: { tags: ['dogfood'] } }), 7);
    const { classes, ringDevices } = counter.counted();
    const upTo = PLAN.waves.map((_, index) =>
      sum(classes.filter((one) => one.waveIndex <= index).map((one) => one.devices)),
    );
    assert.deepEqual([ringDevices, ...upTo], [7, 7, 1_007, 10_006, 50_004, 100_000]);
  });

  test('that run the release already are in the audience and get no offer', () => {
    const counter = fleetCounter(PLAN, { release: aManifest(), deltas: [] });
    counter.add(forecastDevice({ deviceId: 'd1', version: '1.1.0', releaseCounter: 2 }));
    counter.add(forecastDevice({ deviceId: 'd2' }));
    const { classes, ineligible, populations } = counter.counted();
    assert.deepEqual(ineligible, [{ code: 'already-running', devices: 1 }]);
    assert.equal(sum(classes.map((one) => one.devices)), 1);
    assert.equal(populations[0]?.population, 2);
  });
});

describe('a forecast', () => {
  const fleet = fleetOf(300);
  const input = { plan: PLAN, release: aManifest(), deltas: [DELTA], fleet, now: NOW };
  const few = { ...input, isApproved: false, courses: 6, defectCourses: 2 };
  const said = forecast({ ...few, price: { perGigabyte: 0.05, currency: 'EUR' } });

  test('is the same for the same input', () => {
    assert.deepEqual(forecast(few), forecast(few));
  });

  test('adds up: devices, bytes and cost of the waves are those of the whole', () => {
    assert.equal(sum(said.waves.map((one) => one.devices)), 300);
    assert.equal(sum(said.waves.map((one) => one.traffic.bytes)), said.traffic.bytes);
    assert.equal(sum(said.traffic.byVersion.map((one) => one.devices)), 300);
    assert.ok(Math.abs((said.traffic.cost?.amount ?? 0) - (said.traffic.bytes / 1e9) * 0.05) < 1e-9);
  });

  test('costs in each region what a gigabyte costs there', () => {
    const counter = fleetCounter(PLAN, { release: aManifest(), deltas: [] });
    for (const [region, devices] of [
      ['eu', 3_000],
      ['in', 1_000],
    ] as const) {
      counter.addAlike(forecastDevice({ deviceId: 'any', attributes: { region } }), devices);
    }
    const price = { perGigabyte: 0.05, perGigabyteByRegion: { in: 0.5 }, currency: 'EUR' };
    const { traffic } = forecast({ ...few, fleet: counter.counted(), courses: 1, defectCourses: 0, price });
    const gigabytesEach = (1_000_000 + BLOCK_LIST_BYTES) / 1e9;
    const costs = new Map(traffic.byRegion.map((one) => [one.name, one.cost?.amount ?? 0]));
    assert.ok(Math.abs((costs.get('eu') ?? 0) - 3_000 * gigabytesEach * 0.05) < 1e-9);
    assert.ok(Math.abs((costs.get('in') ?? 0) - 1_000 * gigabytesEach * 0.5) < 1e-9);
    assert.ok(Math.abs((traffic.cost?.amount ?? 0) - sum([...costs.values()])) < 1e-9);
  });

  test('opens its waves one after the other, not before their bake times', () => {
    const opens = said.waves.map((one) => one.opensAt?.median ?? Number.NaN);
    for (const [index, at] of opens.entries()) {
      const before = opens[index - 1];
      if (before !== undefined) assert.ok(at - before >= (PLAN.waves[index - 1]?.bakeMs ?? 0), `${index}`);
    }
    assert.ok((said.verified95At?.median ?? 0) < (said.verified99At?.median ?? 0));
  });

  test('names what is missing', () => {
    const codes = new Set(said.missing.map((one) => one.code));
    const expected = ['approval-missing', 'delta-missing', 'delta-back-missing', 'fleet-too-small', 'rates-stated'];
    assert.deepEqual(
      expected.filter((one) => !codes.has(one as never)),
      [],
    );
    assert.ok(!codes.has('twin-missing') && !codes.has('audience-empty'));
  });

  test('of nobody promises nothing', () => {
    const nobody = forecast({ ...few, fleet: fleetOf(0) });
    assert.equal(nobody.completesAt, undefined);
    assert.ok(nobody.missing.some((one) => one.code === 'audience-empty'));
  });
});

describe('the orders of people in a forecast', () => {
  const EVERYONE = { kind: 'everyone' } as const;
  const freeze = { freezeId: 'holidays', audience: EVERYONE, reason: 'r', isIncludingRollback: false } as const;
  const excluded = devices(100)
    .slice(0, 10)
    .map(({ deviceId }) => deviceId);

  function under(changes: readonly PolicyChange[]): Forecast {
    const { orders: standing, pausedScopes, rollouts } = aSnapshot([{ plan: PLAN }], changes);
    const rollout = rollouts.get(PLAN.rolloutId)?.rollout;
    const orders = { standing, pausedScopes, ...(rollout === undefined ? {} : { rollout }) };
    const fleet = fleetOf(100, orders);
    const input = { plan: PLAN, release: aManifest(), deltas: [DELTA], fleet, orders, now: NOW, isApproved: true };
    return forecast({ ...input, courses: 5, defectCourses: 0 });
  }

  const free = under([]);

  test('a freeze of everyone makes every later date later by about its length', () => {
    const times = { kind: 'once', from: NOW, until: fleetInstant(NOW + 7 * DAY_MS) } as const;
    const said = under([{ kind: 'freeze-set', ...freeze, times }]);
    const later = ((said.verified95At?.median ?? 0) - (free.verified95At?.median ?? 0)) / DAY_MS;
    assert.ok(later > 3 && later < 9, `${later} days`);
    assert.match(said.limits[0]?.detail ?? '', /^No permit from 2027-.* to 2027-.*; r$/);
  });

  test('a freeze that is over, or an exclusion that has expired, is no order any more', () => {
    const times = { kind: 'once', from: fleetInstant(0), until: NOW } as const;
    const of = { kind: 'device', in: excluded } as const;
    const said = under([
      { kind: 'freeze-set', ...freeze, times },
      { kind: 'exclusion-set', exclusionId: 'old', of, reason: 'r', expiresAt: NOW },
    ]);
    assert.deepEqual(said, free);
  });

  test('excluded devices are in no wave, those of an exclusion that ends are, and come after it', () => {
    const of = { kind: 'device', in: excluded } as const;
    const out = under([{ kind: 'exclusion-set', exclusionId: 'exhibits', of, reason: 'r' }]);
    assert.deepEqual([out.population, out.eligible, out.waves.at(-1)?.devicesUpTo], [100, 90, 90]);
    const expiresAt = fleetInstant(NOW + 20 * DAY_MS);
    const late = under([{ kind: 'exclusion-set', exclusionId: 'exhibits', of, reason: 'r', expiresAt }]);
    assert.equal(late.eligible, 100);
    assert.ok((late.verified99At?.median ?? 0) > expiresAt);
  });

  test('a ceiling lets it neither complete nor come to 95 %, and says so', () => {
    const said = under([{ kind: 'rollout-limited', rolloutId: PLAN.rolloutId, devices: 40, reason: 'r' }]);
    assert.deepEqual([said.completesAt, said.verified95At], [undefined, undefined]);
    assert.ok(said.waves.every((one) => (one.granted?.high ?? 0) <= 40));
    assert.deepEqual(
      said.limits.map((one) => one.code),
      ['operator-ceiling'],
    );
  });

  test('what pauses the rollout is named, with what its dates mean', () => {
    const flag = { kind: 'rollout-flagged', rolloutId: PLAN.rolloutId, severity: 'safety', reason: 'smoke' } as const;
    const said = under([flag]);
    assert.deepEqual(
      said.limits.map((one) => one.code),
      ['rollout-stopped', 'flagged'],
    );
    assert.match(said.limits[0]?.detail ?? '', /^It is paused \(Flagged by an operator: smoke\); the dates are as if/);
  });
});

describe('what a plan can prove and what a defect costs', () => {
  test('reverts that halt are those of the design: 2 of 10, 3 of 50, 5 of 640, 18 of 10,000, 84 of 100,000', () => {
    const asked = [10, 50, 640, 10_000, 100_000].map((permits) => revertsToHalt(defaultGates(), permits));
    assert.deepEqual(asked, [2, 3, 5, 18, 84]);
  });

  test('devices needed are of the size of L / delta near p = 0, and grow as the excess shrinks', () => {
    const gate = defaultGates().metrics[0];
    assert.ok(gate !== undefined);
    const needed = [0.2, 0.05, 0.02, 0.005].map((excess) =>
      devicesToExclude(PLAN, { eligible: 1_000_000, behaviour: STATED_BEHAVIOUR, gate, excess }),
    );
    for (const [index, excess] of [0.2, 0.05, 0.02, 0.005].entries()) {
      const ratio = (needed[index] ?? 0) / (9 / excess);
      assert.ok(ratio > 0.7 && ratio < 1.6, `${excess}: ${needed[index]}`);
    }
    assert.deepEqual(
      [...needed].sort((a = 0, b = 0) => a - b),
      needed,
    );
  });

  test('a week of silence is watched in one device of ten, so it takes ten times the devices', () => {
    const needed = (metric: string): number => {
      const gate = PLAN.gates.metrics.find((one) => one.metric === metric);
      assert.ok(gate !== undefined);
      const asked = { eligible: 1_000_000, behaviour: STATED_BEHAVIOUR, gate, excess: 0.2 };
      return devicesToExclude(PLAN, asked) ?? Number.NaN;
    };
    const ratio = needed('silent168') / needed('silent72');
    assert.ok(ratio > 8 && ratio < 11, `${ratio}`);
  });

  test('what shows late costs more: devices lost on their second day, and crashes half as often again', () => {
    const counter = fleetCounter(PLAN, { release: aManifest(), deltas: [] });
    counter.addAlike(forecastDevice({ deviceId: 'any' }), 1_000_000);
    const options = { plan: PLAN, fleet: counter.counted(), behaviour: STATED_BEHAVIOUR, daysMax: 20, seed: 'late' };
    const costs = new Map(forecastDefects({ ...options, courses: 2 }).map((one) => [one.name, one]));
    for (const name of ['L0.5', 'C1.5']) {
      const { caughtShare = 0, harmedMean = 0 } = costs.get(name) ?? {};
      assert.equal(caughtShare, 1, name);
      assert.ok(harmedMean > 50 && harmedMean < 800, `${name}: ${harmedMean}`);
    }
  });

  test('a release of which everything falls back harms the first ten devices at most', () => {
    const options = { plan: PLAN, fleet: fleetOf(600), behaviour: STATED_BEHAVIOUR, daysMax: 20, seed: 'test' };
    const costs = new Map(forecastDefects({ ...options, courses: 3 }).map((one) => [one.name, one]));
    assert.ok((costs.get('F100')?.harmedP95 ?? 99) <= 10);
    assert.equal(costs.get('F100')?.caughtShare, 1);
    assert.equal(costs.get('F20')?.caughtShare, 1);
  });
});

describe('a course', () => {
  test('never grants more than there are devices, and fetches no byte twice', () => {
    fc.assert(
      fc.property(fc.integer({ min: 20, max: 400 }), fc.nat(1_000), (size, seed) => {
        const fleet = fleetOf(size);
        const course = runCourse({
          ...{ plan: PLAN, fleet, behaviour: STATED_BEHAVIOUR, daysMax: 30 },
          source: prng(`test/${seed}`),
        });
        const bytes = sum(fleet.classes.map((one) => one.devices * one.bytesEach));
        return course.granted <= size && course.fetchedBytes <= bytes && course.harmed === 0;
      }),
      propertyOptions({ runs: 10 }),
    );
  });
});

describe('joint intervals', () => {
  test('hold all figures of nine in ten courses at once', () => {
    const source = prng('intervals');
    const courses = Array.from({ length: 200 }, () => [source.next(), source.next() ** 2, 100 * source.next()]);
    const figures = [0, 1, 2].map((index) => ({ values: courses.map((one) => one[index]), resolution: 0.001 }));
    const intervals = jointIntervals(figures);
    const inside = courses.filter((one) =>
      one.every((value, index) => {
        const interval = intervals[index];
        return interval !== undefined && value >= interval.low && value <= interval.high;
      }),
    );
    assert.ok(inside.length >= 178 && inside.length <= 195, `${inside.length}`);
  });

  test('are not stated for what one course in ten did not come to', () => {
    const values = Array.from({ length: 20 }, (_, index) => (index < 3 ? undefined : index));
    assert.deepEqual(jointIntervals([{ values, resolution: 1 }]), [undefined]);
  });
});

function fleetOf(size: number, orders?: ForecastOrders): CountedFleet {
  const counted = { release: aManifest(), deltas: [DELTA] };
  const given = orders === undefined ? {} : { orders: { given: orders, now: NOW } };
  const counter = fleetCounter(PLAN, { ...counted, ...given });
  for (const device of devices(size)) counter.add(device);
  return counter.counted();
}

function devices(size: number): readonly ForecastDevice[] {
  return Array.from({ length: size }, (_, index) =>
    forecastDevice({
      deviceId: `camera-${index}`,
      ...(index % 5 === 0 ? { version: '0.9.0', image: 'f' } : {}),
      attributes: { hardwareId: index % 3 === 0 ? 'rev-a' : 'rev-b', tags: index < 3 ? ['dogfood'] : [] },
    }),
  );
}

function forecastDevice(parts: Parameters<typeof aDevice>[0]): ForecastDevice {
  const { deviceId, attributes, status } = aDevice(parts).record;
  return { deviceId, attributes, running: status.running };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, one) => total + one, 0);
}

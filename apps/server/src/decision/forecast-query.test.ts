// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DAY_MS, fleetInstant } from '@outrider/domain/kernel/time';
import { memoryStore } from '@outrider/testkit/memory-store';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';
import type { OrderChange } from '../policy/policy-commands.ts';
import { HARDWARE_IDS, manifestOf, planOf, rehearse, SOON, signed, startRollout } from '../rehearsal.ts';
import { rehearsedDevice, sendTo } from '../rehearsed-device.ts';

test('a plan is forecast on the registered fleet, before and after it exists', async () => {
  const { server } = rehearse({ store: memoryStore(), blobs: memoryBlobs(), schedule: SOON });
  const former = await manifestOf(server, '1.0.0');
  assert.ok((await server.releases.publish(signed(former))).ok);
  for (let index = 0; index < 30; index++) {
    const hardwareId = HARDWARE_IDS[index % 3] ?? 'rev-a';
    const device = rehearsedDevice({
      ...{ deviceId: `camera-${index}`, hardwareId, factory: former, isHealthy: () => true },
      send: sendTo(server),
    });
    assert.equal((await device.register()).status, 201);
  }
  const newer = await manifestOf(server, '1.1.0', former);
  assert.ok((await server.releases.publish(signed(newer))).ok);
  const plan = planOf(newer);

  const said = await server.forecasts.ofPlan(plan, { perGigabyte: 0.05, currency: 'EUR' });
  assert.ok(said.ok, JSON.stringify(said));
  const { forecast, baseRates, findings } = said.value;
  assert.equal(forecast.eligible, 30);
  assert.deepEqual(
    forecast.traffic.byVersion.map((one) => [one.name, one.devicesByDelta]),
    [['1.0.0', 30]],
  );
  assert.equal(forecast.traffic.cost?.currency, 'EUR');
  assert.ok(forecast.missing.some((one) => one.code === 'approval-missing'));
  assert.deepEqual(new Set(baseRates.map((one) => one.source)), new Set(['stated']));
  assert.ok(findings.every((one) => one.severity === 'warn'));

  await startRollout(server, plan);
  const later = await server.forecasts.ofRollout(plan.rolloutId);
  assert.ok(later.ok && !later.value.forecast.missing.some((one) => one.code === 'approval-missing'));
  assert.deepEqual(
    later.value.drift?.map((one) => [one.metric, one.level]),
    [
      ['revert', 'unknown'],
      ['install', 'unknown'],
    ],
  );
  assert.equal(said.value.drift, undefined);
  await server.close();
});

test('a plan of a release that is not published, or that breaks a rule, is refused by name', async () => {
  const { server } = rehearse({ store: memoryStore(), blobs: memoryBlobs(), schedule: SOON });
  const unpublished = await manifestOf(server, '1.0.0');
  const unknown = await server.forecasts.ofPlan(planOf(unpublished));
  assert.equal(!unknown.ok && unknown.error.code, 'release-unknown');
  const invalid = await server.forecasts.ofPlan(planOf(unpublished, { waves: [] }));
  assert.equal(!invalid.ok && invalid.error.code, 'plan-invalid');
  await server.close();
});

test('what people have ordered stands in the forecast, each order by its name and with the devices that it concerns', async () => {
  const { server, now } = rehearse({ store: memoryStore(), blobs: memoryBlobs(), schedule: SOON });
  const former = await manifestOf(server, '1.0.0');
  const newer = await manifestOf(server, '1.1.0', former);
  for (const manifest of [former, newer]) assert.ok((await server.releases.publish(signed(manifest))).ok);
  for (let index = 0; index < 20; index++) {
    const device = rehearsedDevice({
      ...{ deviceId: `camera-${index}`, hardwareId: HARDWARE_IDS[index % 2] ?? 'rev-a', factory: former },
      ...{
        tags: index < 2 ? ['exhibit'] : [],
        region: index % 4 === 1 ? 'north' : 'south',
        isHealthy: () => true,
        send: sendTo(server),
      },
    });
    assert.equal((await device.register()).status, 201);
  }
  const plan = planOf(newer, { onSegmentHalt: 'exclude-segment' });
  const { rolloutId } = plan;
  await startRollout(server, plan);
  const order = (change: OrderChange) => server.policy.order({ change, author: 'ada' });
  const weeks = { kind: 'once', from: fleetInstant(now() + DAY_MS), until: fleetInstant(now() + 15 * DAY_MS) } as const;
  const freeze = { freezeId: 'holidays', audience: { kind: 'everyone' }, reason: 'nobody is at work' } as const;
  assert.ok((await order({ kind: 'freeze-set', ...freeze, times: weeks, isIncludingRollback: false })).ok);
  const exhibits = { exclusionId: 'exhibits', of: { kind: 'tag', tag: 'exhibit' }, reason: 'on show' } as const;
  assert.ok((await order({ kind: 'exclusion-set', ...exhibits })).ok);
  const person = { rolloutId, reason: 'a law', author: 'ada' };
  assert.ok((await server.policy.flag({ ...person, severity: 'note' })).ok);
  assert.ok((await server.policy.limitRollout({ ...person, devices: 8 })).ok);
  assert.ok((await server.policy.haltRegion({ ...person, region: 'north', isRollingBack: false })).ok);
  assert.ok((await server.policy.pauseScope({ scope: 'global', reason: 'a bad feeling', author: 'ada' })).ok);

  const said = await server.forecasts.ofRollout(rolloutId);
  assert.ok(said.ok, JSON.stringify(said));
  const { population, eligible, limits, verified95At } = said.value.forecast;
  assert.deepEqual(
    [population, eligible, verified95At],
    [20, 14, undefined],
    'two excluded, five in the region, one in both',
  );
  const counted = limits.map(({ code, name, devices }) => [code, name, devices]);
  assert.deepEqual(counted.sort(), [
    ['excluded', 'exhibits', 2],
    ['flagged', rolloutId, undefined],
    ['frozen', 'holidays', 14],
    ['operator-ceiling', rolloutId, undefined],
    ['region-halted', 'north', 5],
    ['scope-paused', 'global', 14],
  ]);
  await server.close();
});

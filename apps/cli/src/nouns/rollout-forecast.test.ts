// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { lintPlan } from '@outrider/domain/decision/base-rates/lint-plan';
import { proposeBaseRates } from '@outrider/domain/decision/base-rates/propose';
import { fleetCounter } from '@outrider/domain/decision/forecast/counted-fleet';
import { forecast } from '@outrider/domain/decision/forecast/forecast';
import { NO_FORECAST_ORDERS } from '@outrider/domain/decision/forecast/orders';
import { encodeRolloutPlan } from '@outrider/protocol/policy/rollout-plan';
import { aDevice, aManifest, aPlan, NOW } from '@outrider/testkit/small-fleet';
import { connectionTo, recordedWorld } from '../recorded-world.ts';

const world = recordedWorld();
const asked: string[] = [];
const server = createServer((request, response) => {
  asked.push(`${request.method} ${request.url}`);
  response.end(answerText());
});
const connection = await connectionTo(server);

before(async () => {
  writeFileSync(join(world.folder, 'plan.json'), encodeRolloutPlan(aPlan()));
});

after(() => {
  server.close();
  world.remove();
});

test('the forecast of a plan in a file shows waves, bytes, dates, harm and what is missing', async () => {
  const { code, output, log } = await world.run('rollout', 'forecast', 'plan.json', '--price', '0.05', ...connection);
  assert.equal(code, 0, log);
  assert.equal(asked.at(-1), 'POST /api/v1/rollouts/forecast');
  for (const line of [
    /^devices +57$/m,
    /^of an audience of +60$/m,
    /^bytes +57\.03 MB$/m,
    /^cost +0\.00 EUR$/m,
    /^ring +3 +3 +3\.002 MB +0\.00 EUR +2027-01-15T08:00/m,
    /^rev-a +57 +57\.03 MB +0\.00 EUR$/m,
    /^metric +can exclude +treated devices +by +after hours$/m,
    /^revert +20 % +46 /m,
    /^\w+ +\d+ % +\d+ +2027-01-\d\dT\d\d:\d\d +\d+ \(\d+ to \d+\)$/m,
    /^F100 +every installation falls back +[\d.]+ +\d+ +\d+ +100 % /m,
    /^L0\.5 +0\.5 % go silent after the first day /m,
    /^C1\.5 +half as many crashes again as usual /m,
    /^install +2 % +stated$/m,
    /^limited by +name +devices +what it does$/m,
    /^excluded +exhibits +3 +Nothing until it is lifted: not in the set; on show$/m,
    /^delta-missing +missing +57 devices run 1\.0\.0$/m,
  ]) {
    assert.match(output, line);
  }
});

test('a rollout that exists is forecast by its id, and JSON is the answer of the server', async () => {
  const { code, output } = await world.run('rollout', 'forecast', '--rollout', 'r1', '--json', ...connection);
  assert.deepEqual([code, asked.at(-1)], [0, 'GET /api/v1/rollouts/r1/forecast']);
  assert.equal(output.trim(), answerText());
});

test('a forecast of nothing, or of two things, is told what it needs', async () => {
  for (const parameters of [[], ['plan.json', '--rollout', 'r1']]) {
    const { code, log } = await world.run('rollout', 'forecast', ...parameters, ...connection);
    assert.equal(code, 2);
    assert.match(log, /needs either the file of a plan or --rollout <id>/);
  }
});

/** What a server says about sixty cameras. */
function answerText(): string {
  const plan = aPlan();
  const exhibits = { exclusionId: 'exhibits', of: { kind: 'tag', tag: 'exhibit' }, reason: 'on show' } as const;
  const orders = { ...NO_FORECAST_ORDERS, standing: { freezes: [], exclusions: [exhibits] } };
  const counter = fleetCounter(plan, { release: aManifest(), deltas: [], orders: { given: orders, now: NOW } });
  for (let index = 0; index < 60; index++) {
    const tags = index < 3 ? ['dogfood'] : index < 6 ? ['exhibit'] : [];
    const { deviceId, attributes, status } = aDevice({ deviceId: `camera-${index}`, attributes: { tags } }).record;
    counter.add({ deviceId, attributes, running: status.running });
  }
  const said = forecast({
    ...{ plan, release: aManifest(), deltas: [], fleet: counter.counted(), orders, isApproved: false, now: NOW },
    ...{ courses: 5, defectCourses: 2, price: { perGigabyte: 0.05, currency: 'EUR' } },
  });
  return JSON.stringify({ forecast: said, baseRates: proposeBaseRates([]), findings: lintPlan(plan, []) });
}

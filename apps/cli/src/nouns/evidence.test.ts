// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, test } from 'node:test';
import { driftOf } from '@outrider/domain/decision/base-rates/drift';
import { decide } from '@outrider/domain/decision/decide';
import { shownRates } from '@outrider/domain/decision/shown-rates';
import { count, emptyEvidence } from '@outrider/domain/evidence/count';
import type { EvidenceEvent } from '@outrider/domain/evidence/evidence';
import type { SegmentId } from '@outrider/domain/kernel/ids';
import { anExposure, aPlan, id, NOW } from '@outrider/testkit/small-fleet';
import { connectionTo, recordedWorld } from '../recorded-world.ts';

const plan = aPlan();
const segment = id<SegmentId>('rev-a');
const coin = { metric: 'crash24', segment, pi: 0.2 } as const;
const EVENTS: readonly EvidenceEvent[] = [
  { kind: 'enrolled', segment, arm: 'treated', pi: 0.2, at: NOW, devices: 40 },
  { kind: 'enrolled', segment, arm: 'control', pi: 0.2, at: NOW, devices: 160 },
  { kind: 'before', fact: 'silence', segment, arm: 'control', pi: 0.2, devices: 3 },
  { kind: 'confirmed', segment, at: NOW, grantedAt: NOW, isFirstEnd: true, wasConfirmed: false, devices: 39 },
  { kind: 'coin-event', ...coin, arm: 'control', isFirstHalf: true, devices: 5 },
  { kind: 'window-closed', metric: 'crash24', segment, arm: 'control', hadEvent: true, devices: 5 },
];
const evidence = count(emptyEvidence(plan, NOW), EVENTS, NOW);
const cell = { metric: 'revert', segment, hourOfDay: 3, installs: 40, events: 0 } as const;
const STARTED = {
  rollout: {
    ...{ plan, state: 'running', revision: 3, epoch: 1, reason: 'started', stateSince: NOW, haltedSegments: [] },
    limitDevices: 500,
    overruled: [
      ...[{ finding: 'base-rate-contradicted', field: 'gates.metrics.revert.baseRate', because: 'Old modem' }].map(
        (one) => ({ ...one, by: 'ada', at: NOW }),
      ),
    ],
  },
  exposure: anExposure(),
  evidence,
  shown: shownRates(plan, evidence),
  baseDrift: driftOf(plan, { releaseId: plan.releaseId, cells: [cell] }),
};
const world = recordedWorld();
let view: object = STARTED;
let items: readonly object[] = [];
const server = createServer((request, response) => {
  response.end(JSON.stringify(request.url?.includes('/decisions') ? { items } : view));
});
const connection = await connectionTo(server);

after(() => {
  server.close();
  world.remove();
});

test('evidence show prints every count, also of what devices had shown before the coin', async () => {
  view = STARTED;
  const { code, output } = await world.run('evidence', 'show', 'r1', ...connection);
  assert.equal(code, 0);
  assert.match(output, /^counted up to +\d{4}-/m);
  assert.match(output, /^rev-a +0\.2 +40 +160 *$/m, 'enrolments by arm');
  assert.match(output, /^silence +rev-a +0\.2 +0 +3 *$/m, 'silence before the permit request');
  assert.match(output, /^revert +rev-a +40 +39 +0 +39 *$/m);
  assert.match(output, /^crash24 +rev-a +0\.2 +0 +5 +5 *$/m);
  assert.match(output, /^crash24 +rev-a +control +5 +5 *$/m);
});

test('evidence show --json prints the evidence itself, to be read by programs', async () => {
  view = STARTED;
  const { output } = await world.run('evidence', 'show', 'r1', '--json', ...connection);
  assert.deepEqual(JSON.parse(output), JSON.parse(JSON.stringify(evidence)));
});

test('evidence of a rollout that was not started is refused by name', async () => {
  view = { rollout: STARTED.rollout };
  const { code, log } = await world.run('evidence', 'show', 'r1', ...connection);
  assert.equal(code, 4);
  assert.match(log, /^outrider: Nothing has been counted about r1 yet; it has to be started first$/m);
});

test('rollout show says what is shown, how near the base rates are, which ceiling holds and what was overruled', async () => {
  view = STARTED;
  const { output } = await world.run('rollout', 'show', 'r1', ...connection);
  assert.match(output, /^ceiling +500$/m);
  assert.match(output, /^profile +standard$/m);
  assert.match(output, /^revert +all +39 +0 +0 % +[\d.]+ % +not shown \(\d+ outcomes would\) *$/m);
  assert.match(output, /^crash24 over control +all +0 +0 +0 % +100 % +not shown *$/m);
  assert.match(output, /^revert +0\.05 % +0 % +0 % +calm *$/m);
  assert.match(output, /^base-rate-contradicted +gates\.metrics\.revert\.baseRate +Old modem +ada +\d{4}-/m);
});

test('decision list says with each decision after completion what had been shown by then', async () => {
  const input = { evidence, exposure: { ...anExposure(), isComplete: true, pi: 1 }, now: NOW };
  items = [{ input, decision: decide(plan, input) }];
  const { output } = await world.run('decision', 'list', 'r1', ...connection);
  assert.match(output, / complete .*revert <= [\d.]+ %: not shown \(\d+ outcomes would\)/);
});

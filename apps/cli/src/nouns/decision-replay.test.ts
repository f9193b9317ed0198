// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, test } from 'node:test';
import { decide } from '@outrider/domain/decision/decide';
import type { StoredDecision } from '@outrider/domain/decision/decision';
import { emptyEvidence } from '@outrider/domain/evidence/count';
import type { SegmentId } from '@outrider/domain/kernel/ids';
import { fleetInstant, MINUTE_MS } from '@outrider/domain/kernel/time';
import { anExposure, aPlan, id, NOW } from '@outrider/testkit/small-fleet';
import { connectionTo, recordedWorld } from '../recorded-world.ts';

const plan = aPlan();
const world = recordedWorld();
let history: readonly unknown[] = [];
let recount: object = {};
const asked: string[] = [];
const server = createServer((request, response) => {
  const url = new URL(request.url ?? '', 'http://127.0.0.1');
  asked.push(`${request.method} ${url.pathname}`);
  const at = Number(url.searchParams.get('after') ?? -1);
  const limit = Number(url.searchParams.get('limit'));
  const later = history.filter((one) => (one as StoredDecision).decision.at > at);
  if (url.pathname.endsWith('/decisions')) response.end(JSON.stringify({ items: later.slice(0, limit) }));
  else response.end(JSON.stringify(request.method === 'POST' ? recount : { rollout: { plan } }));
});
const connection = await connectionTo(server);

after(() => {
  server.close();
  world.remove();
});

test('a whole history is replayed on this machine, page after page', async () => {
  history = Array.from({ length: 120 }, (_, index) => storedDecision(index));
  const { code, output, log } = await world.run('decision', 'replay', 'rollout-1', ...connection);
  assert.equal(code, 0, log);
  assert.match(output, /^decisions replayed +120$/m);
  assert.match(output, /^that differ +0$/m);
  assert.equal(asked.filter((one) => one.endsWith('/decisions')).length, 3);
});

test('one altered decision is named with both values, and the command fails', async () => {
  const one = storedDecision(1);
  const altered = { ...one, decision: { ...one.decision, exposure: { ...one.decision.exposure, cap: 7 } } };
  history = [storedDecision(0), altered, storedDecision(2)];
  const { code, output, log } = await world.run('decision', 'replay', 'rollout-1', ...connection);
  assert.equal(code, 1);
  assert.match(output, /^2027-\S+Z {2}exposure cap: stored 7, replayed \d+$/m);
  assert.match(log, /^outrider: 1 of 3 decisions about rollout-1 come out otherwise/);
  const json = await world.run('decision', 'replay', 'rollout-1', '--json', ...connection);
  assert.equal(json.code, 1);
  const { decisions, differing, differences } = JSON.parse(json.output);
  assert.deepEqual([decisions, differing, differences[0].field], [3, 1, 'exposure cap']);
});

test('a figure that is no number cannot be replayed, and is named', async () => {
  const text = JSON.stringify(storedDecision(0)).replace(/"lnE":[^,]+/, '"lnE":null');
  history = [JSON.parse(text)];
  const { code, log } = await world.run('decision', 'replay', 'rollout-1', ...connection);
  assert.equal(code, 1);
  assert.match(log, /decisions\.items\[0\]\.decision\.figures\[0\]\.lnE is malformed: it is null/);
});

test('a recount says equal, or names what differs and fails', async () => {
  const evidence = emptyEvidence(plan, NOW);
  const shared = { rolloutId: 'rollout-1', asOf: NOW, rows: 3, reports: 2, stored: evidence, recounted: evidence };
  recount = { ...shared, isEqual: true, differences: [], differenceCount: 0, faults: [], faultCount: 0 };
  const equal = await world.run('evidence', 'recount', 'rollout-1', ...connection);
  assert.equal(equal.code, 0, equal.log);
  assert.equal(asked.at(-1), 'POST /api/v1/rollouts/rollout-1/evidence/recount');
  assert.match(equal.output, /^result +equal$/m);
  const differences = [{ field: 'base revert rev-a events', first: 0, second: 1 }];
  const faults = [{ code: 'report-unnoted', position: 3, deviceId: 'camera-1', event: 'reverted', at: NOW }];
  recount = { ...shared, isEqual: false, differences, differenceCount: 1, faults, faultCount: 1 };
  const differs = await world.run('evidence', 'recount', 'rollout-1', ...connection);
  assert.equal(differs.code, 1);
  assert.match(differs.output, /^base revert rev-a events +0 +1$/m);
  assert.match(differs.output, /^report-unnoted +camera-1 +3 +reverted +2027-/m);
  assert.match(differs.log, /1 counts and 1 instants differ/);
});

/** A decision of the shipped rule, ten minutes after the one before. */
function storedDecision(index: number): StoredDecision {
  const now = fleetInstant(NOW + index * 10 * MINUTE_MS);
  const counts = { open: index, closed: index, events: 0, confirmed: index };
  const base = [{ metric: 'revert' as const, segment: id<SegmentId>('rev-a'), ...counts }];
  const input = { evidence: { ...emptyEvidence(plan, now), base }, exposure: anExposure(), now };
  return { input, decision: decide(plan, input) };
}

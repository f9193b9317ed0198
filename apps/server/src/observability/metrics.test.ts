// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { networkInterfaces } from 'node:os';
import { after, test } from 'node:test';
import { digestText } from '@outrider/adapters/shared/digest';
import { decide } from '@outrider/domain/decision/decide';
import { overviewOf } from '@outrider/domain/decision/overview';
import { emptyEvidence } from '@outrider/domain/evidence/count';
import type { RolloutId, SegmentId } from '@outrider/domain/kernel/ids';
import { emptyPolicy } from '@outrider/domain/policy/fold';
import { memoryStore } from '@outrider/testkit/memory-store';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';
import { anExposure, aPlan, id, NOW } from '@outrider/testkit/small-fleet';
import { listen } from '../http/listen.ts';
import { manifestOf, planOf, rehearse, SOON, signed, startRollout } from '../rehearsal.ts';
import { rehearsedDevice, sendTo } from '../rehearsed-device.ts';
import { readGauges } from './gauge-readings.ts';
import { METRICS, ROLLOUT_SERIES_MAX } from './metric-table.ts';
import { prometheusMetrics } from './prometheus.ts';
import { TIMING_BOUNDS } from './recorder.ts';

const rehearsal = rehearse({ store: memoryStore(), blobs: memoryBlobs(), schedule: SOON });
const { server, ports } = rehearsal;
const metrics = prometheusMetrics(server, '1.2.3');
const [metricsToken, adminToken] = ['a-token-for-metrics-only', 'an-admin-token-of-this-test'];
const shared = {
  ...{ server, port: 0, version: '0.0.0', adminTokenDigest: digestText(adminToken), digestText },
  ...{ schedule: SOON, log: ports.log },
  metrics: { metrics, tokenDigests: [digestText(metricsToken), digestText(adminToken)] },
};
const listening = await listen({ ...shared, host: '0.0.0.0' });
assert.ok(listening.ok);
const port = new URL(listening.value.url).port;
after(async () => {
  await listening.value.close();
  await server.close();
});

test('each metric says what it counts, in which unit, and at which stage', () => {
  const stages = ['release', 'delta', 'policy', 'gateway', 'device', 'evidence', 'decision', 'server'];
  const units = ['total', 'seconds', 'bytes', 'ratio', 'count', 'devices', 'permits', 'rows', 'nats', 'connections'];
  const special = ['requests', 'up', 'info'];
  for (const { name, help, kind } of METRICS) {
    assert.match(name, new RegExp(`^outrider_(${stages.join('|')})_[a-z_]+_(${[...units, ...special].join('|')})$`));
    assert.equal(kind === 'counter', name.endsWith('_total'), name);
    assert.match(help, /^[A-Z1].{10,}[^.]$/, name);
  }
  assert.equal(new Set(METRICS.map((one) => one.name)).size, METRICS.length);
});

test('the page shows every metric with its labels and its help, and no other', async () => {
  const page = await readFile(new URL('../../../../docs/observability.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| `(outrider_\w+)` \| (\w+) \| ([^|]*) \| ([^|]*) \|$/gm)];
  assert.deepEqual(
    rows.map(([, name, kind, labels = '', help = '']) => [name, kind, labels.trim(), help.trim()]).sort(),
    METRICS.map(({ name, kind, labels, help }) => [
      name,
      kind,
      labels.map((one) => `\`${one}\``).join(' '),
      help,
    ]).sort(),
  );
});

test('a check-in, a permit and a round are seen under their names', async () => {
  const former = await manifestOf(server, '1.0.0');
  assert.ok((await server.releases.publish(signed(former))).ok);
  const device = rehearsedDevice({
    ...{ deviceId: 'camera-1', hardwareId: 'rev-a', factory: former, tags: ['dogfood'], isHealthy: () => true },
    send: sendTo(server),
  });
  await device.register();
  const newer = await manifestOf(server, '1.1.0', former);
  assert.ok((await server.releases.publish(signed(newer))).ok);
  await startRollout(server, planOf(newer));
  await rehearsal.step();
  const offer = await device.checkIn();
  assert.ok(offer.kind === 'offer');
  await device.askPermit(offer);
  await rehearsal.step();

  const seen = read(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text());
  const { rolloutId } = planOf(newer);
  for (const [series, value] of [
    ['outrider_gateway_check_ins_total{answer="offer"}', 1],
    ['outrider_gateway_permit_requests_total{answer="permit"}', 1],
    ['outrider_gateway_permit_batch_rows_bucket{le="1"}', 1],
    ['outrider_gateway_permit_duration_seconds_count', 1],
    ['outrider_gateway_permit_duration_seconds_bucket{le="+Inf"}', 1],
    ['outrider_release_changes_total{result="published"}', 2],
    ['outrider_delta_builds_total{result="made"}', 2],
    ['outrider_policy_changes_total{change="rollout-event"}', 2],
    ['outrider_policy_rollouts_count{state="running"}', 1],
    [`outrider_policy_granted_permits{rollout="${rolloutId}"}`, 1],
    [`outrider_policy_segment_granted_permits{rollout="${rolloutId}",segment="rev-a"}`, 1],
    [`outrider_device_funnel_devices{rollout="${rolloutId}",step="permitted"}`, 1],
    [`outrider_evidence_lag_seconds{rollout="${rolloutId}"}`, 0],
    ['outrider_device_registered_devices{state="idle"}', 1],
    ['outrider_server_database_up', 1],
    ['outrider_server_build_info{version="1.2.3"}', 1],
  ] as const) {
    assert.equal(seen.get(series), value, series);
  }
  const [evidence, threshold] = ['evidence', 'threshold'].map((what) =>
    seen.get(`outrider_decision_${what}_nats{rollout="${rolloutId}",metric="revert"}`),
  );
  assert.ok(evidence !== undefined && threshold !== undefined && evidence < threshold);
  assert.ok((seen.get('process_resident_memory_bytes') ?? 0) > 0);
  assert.ok([...seen.keys()].some((one) => one.startsWith('nodejs_eventloop_lag_p99_seconds')));
});

test('buckets add up, and the last of them holds everything', async () => {
  for (const value of [0.01, 3, 70, 1e9]) server.recorder.timings.tick.observe(value);
  const lines = (await metrics.text()).split('\n').filter((line) => line.startsWith('outrider_decision_tick'));
  const values = lines.map((line) => Number(line.split(' ')[1]));
  const buckets = values.slice(0, TIMING_BOUNDS.tick.length + 1);
  assert.deepEqual(
    buckets,
    [...buckets].sort((a, b) => a - b),
  );
  assert.equal(buckets.at(-1), values.at(-1));
});

test('five hundred rollouts of a thousand segments are no more series than a Prometheus likes', () => {
  const plan = aPlan();
  const segments = Array.from({ length: 1_000 }, (_, index) => id<SegmentId>(`hw-${index}`));
  const exposure = anExposure({
    segments: segments.map((segment) => ({ segment, population: 1, cap: 1, granted: 0 })),
  });
  const evidence = emptyEvidence(plan, NOW);
  const decision = decide(plan, { evidence, exposure, now: NOW });
  const rollout = {
    ...{ plan, state: 'running', reason: '', stateSince: NOW, haltedSegments: [] },
    revision: 1,
    epoch: 1,
  };
  const overview = overviewOf({ rollout: rollout as never, exposure, evidence, decision });
  const readings = readGauges({
    ...{
      now: NOW,
      policy: emptyPolicy(),
      vitals: server.overviews.vitals(),
      devices: undefined,
      watchers: 0,
      version: '1',
    },
    rollouts: Array.from({ length: 500 }, (_, index) => ({ ...overview, rolloutId: id<RolloutId>(`r${index}`) })),
  });
  const perRollout = Object.values(readings).flat().length / ROLLOUT_SERIES_MAX;
  assert.ok(perRollout < 170, `${perRollout} series of one rollout`);
});

test('the machine itself needs no token; whoever comes through a proxy or from elsewhere does', async () => {
  const local = `http://127.0.0.1:${port}/metrics`;
  assert.equal((await fetch(local)).status, 200);
  assert.equal((await fetch(local, { headers: { 'x-forwarded-for': '203.0.113.9' } })).status, 401);
  const rebound = await new Promise<number | undefined>((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path: '/metrics', headers: { host: 'evil.example:8440' } };
    httpRequest(options, (response) => resolve(response.resume().statusCode))
      .on('error', reject)
      .end();
  });
  assert.equal(rebound, 401, 'a name that a page made point to this machine');
  const elsewhere = Object.values(networkInterfaces())
    .flat()
    .find((one) => one !== undefined && one.family === 'IPv4' && !one.internal)?.address;
  const from = elsewhere === undefined ? local : `http://${elsewhere}:${port}/metrics`;
  const away = elsewhere === undefined ? { via: '1.1 proxy' } : {};
  for (const [authorization, status] of [
    [undefined, 401],
    ['Bearer wrong-token-of-somebody', 401],
    [`Bearer ${metricsToken}`, 200],
    [`bearer ${adminToken}`, 200],
    [`Basic ${metricsToken}`, 401],
  ] as const) {
    const headers: Record<string, string> = { ...away, ...(authorization === undefined ? {} : { authorization }) };
    const answer = await fetch(from, { headers });
    assert.equal(answer.status, status, String(authorization));
    if (status === 401) assert.equal(((await answer.json()) as { code: string }).code, 'token-invalid');
  }
  assert.equal((await fetch(`http://127.0.0.1:${port}/api/v1/status`, bearer(metricsToken))).status, 401);
});

test('metrics are read and not written, and a HEAD has the length of the GET', async () => {
  const posted = await fetch(`http://127.0.0.1:${port}/metrics`, { method: 'POST', body: 'x' });
  assert.deepEqual([posted.status, posted.headers.get('allow')], [405, 'GET, HEAD']);
  const length = await new Promise<string | undefined>((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path: '/metrics', method: 'HEAD' };
    httpRequest(options, (response) => resolve(response.resume().headers['content-length']))
      .on('error', reject)
      .end();
  });
  assert.ok(Number(length) > 1_000);
  const type = (await fetch(`http://127.0.0.1:${port}/metrics`)).headers.get('content-type');
  assert.equal(type, 'text/plain; version=0.0.4; charset=utf-8');
});

test('a server with its metrics turned off has nothing there', async () => {
  const { metrics: _, ...without } = shared;
  const silent = await listen({ ...without, host: '127.0.0.1' });
  assert.ok(silent.ok);
  assert.equal((await fetch(`${silent.value.url}/metrics`)).status, 404);
  await silent.value.close();
});

function bearer(token: string): RequestInit {
  return { headers: { authorization: `Bearer ${token}` } };
}

function read(text: string): ReadonlyMap<string, number> {
  const series = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    series.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}

// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as elapse } from 'node:timers/promises';
import { removeEmbeddedPostgres } from '@outrider/adapters/server/embedded-postgres';
import { monotonicClock } from '@outrider/adapters/shared/clock';
import { digestText } from '@outrider/adapters/shared/digest';
import { readFlags } from '../installation/flags.ts';
import { runServer } from '../installation/run.ts';
import { createLog } from '../log/create-log.ts';
import type { Schedule } from '../ports.ts';
import type { HealthReport } from './health.ts';

const schedule: Schedule = {
  after(delayMs, work) {
    const timer = setTimeout(work, delayMs);
    return () => clearTimeout(timer);
  },
};

const received: string[] = [];
const collector = createServer(async (request, response) => {
  for await (const chunk of request) received.push(String(chunk));
  response.writeHead(200).end('{}');
});
await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
const endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;

const dataFolder = await mkdtemp(join(tmpdir(), 'outrider-seen-'));
const lines: string[] = [];
const log = createLog({
  ...{ level: 'info', clock: monotonicClock(), digestText },
  destination: { write: (line) => void lines.push(line) },
});
const flags = readFlags(['--data', dataFolder, '--port', '0', '--trace-endpoint', endpoint]);
const server = await runServer({ flags, version: '1.2.3', pid: process.pid, schedule, log });
after(async () => {
  await server.stop();
  collector.close();
  await removeEmbeddedPostgres(dataFolder);
  await rm(dataFolder, { recursive: true });
});

test('a server whose PostgreSQL is killed says so by name, stays alive, and is ready again by itself', async () => {
  assert.equal((await ready()).report.status, 'ready');
  const pid = Number(lines.map((line) => JSON.parse(line)).findLast((one) => one.code === 'postgres-started')?.pid);
  process.kill(pid, 'SIGKILL');
  const away = await untilReady(503);
  const database = away.checks.find((one) => one.name === 'database');
  assert.match(
    database?.detail ?? '',
    /^The database .*; no permit is given and no report is taken in until it is back$/,
  );
  assert.equal((await fetch(`${server.url}/health/live`)).status, 200);
  const back = await untilReady(200);
  assert.ok(back.checks.every((one) => one.isOk));
});

test('a running server gives its metrics to the machine itself, and keeps the token for others to its owner', async () => {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  assert.match(text, /^outrider_server_build_info\{version="1\.2\.3"\} 1$/m);
  assert.match(text, /^outrider_server_database_connections\{kind="max"\} 8$/m);
  const path = join(dataFolder, 'metrics-token');
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  const through = { via: '1.1 proxy' };
  assert.equal((await fetch(`${server.url}/metrics`, { headers: through })).status, 401);
  const authorization = `Bearer ${(await readFile(path, 'utf8')).trim()}`;
  assert.equal((await fetch(`${server.url}/metrics`, { headers: { ...through, authorization } })).status, 200);
});

test('a server with a collector sends it what a device wants traced, and the log names the trace', async () => {
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  const answer = await fetch(`${server.url}/v1/check-in`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', traceparent: `00-${traceId}-00f067aa0ba902b7-01` },
    body: '{}',
  });
  assert.equal(answer.status, 400);
  assert.match(answer.headers.get('traceresponse') ?? '', new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`));
  for (let tries = 0; !received.join('').includes(traceId); tries++) {
    assert.ok(tries < 100, 'the span arrives within ten seconds');
    await elapse(100);
  }
});

test('no token of the installation stands in its log', async () => {
  for (const name of ['admin-token', 'registration-token', 'metrics-token']) {
    const token = (await readFile(join(dataFolder, name), 'utf8')).trim();
    log.warn({ stage: 'server', code: 'test' }, `somebody let ${token} slip`);
    assert.ok(!lines.join('').includes(token), name);
  }
  assert.match(lines.at(-1) ?? '', /somebody let \[redacted\] slip/);
});

async function ready() {
  const response = await fetch(`${server.url}/health/ready`);
  return { status: response.status, report: (await response.json()) as HealthReport };
}

async function untilReady(wanted: number): Promise<HealthReport> {
  for (let tries = 0; tries < 400; tries++) {
    const { status, report } = await ready();
    if (status === wanted) return report;
    await elapse(25);
  }
  assert.fail(`ready did not answer ${wanted} within ten seconds`);
}

// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readDiskSpace } from '@outrider/adapters/server/disk-space';
import { StoreAwayError } from '@outrider/domain/decision/store-away';
import { machineInstant } from '@outrider/domain/kernel/time';
import { memoryStore } from '@outrider/testkit/memory-store';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';
import { composeServer } from '../compose.ts';
import type { DiskSpace, Schedule } from '../ports.ts';
import { rehearse } from '../rehearsal.ts';
import type { HealthReport } from './health.ts';

const timers: Schedule = {
  after(delayMs, work) {
    // A second of patience is a hundredth of one here.
    const timer = setTimeout(work, delayMs / 100);
    return () => clearTimeout(timer);
  },
};

type Fault = 'none' | 'away' | 'frozen' | 'newer';

function onStage(diskSpace: () => Promise<DiskSpace>) {
  const store = memoryStore();
  let fault: Fault = 'none';
  let nowMs = 0;
  const { ports } = rehearse({ store, blobs: memoryBlobs(), schedule: timers });
  const server = composeServer({
    ...ports,
    machineClock: { now: () => machineInstant(nowMs) },
    diskSpace,
    store: {
      ...store,
      installation: {
        ...store.installation,
        async loadSetting(key) {
          if (fault === 'away') throw new StoreAwayError(new Error('connection refused'));
          if (fault === 'newer') throw new StoreAwayError(new Error('schema 9'), 'schema-newer');
          if (fault === 'frozen') return new Promise(() => {});
          return store.installation.loadSetting(key);
        },
      },
    },
  });
  async function ask() {
    const answer = await server.handleDevice({ method: 'GET', path: '/health/ready', headers: {}, body: '' });
    const report = JSON.parse(String(answer.body)) as HealthReport;
    assert.equal(answer.status, report.status === 'ready' ? 200 : 503);
    return { report, wrong: report.checks.filter((one) => !one.isOk).map((one) => one.name) };
  }
  return {
    server,
    ask,
    break: (next: Fault) => {
      fault = next;
    },
    elapse: (ms: number) => {
      nowMs += ms;
    },
  };
}

const roomy = async () => ({ freeBytes: 1e12 });

test('a server that has not read its policy yet is alive and not ready', async () => {
  const { server, ask } = onStage(roomy);
  assert.deepEqual((await ask()).wrong, ['snapshot']);
  await server.drain();
  const { report, wrong } = await ask();
  assert.deepEqual(wrong, []);
  assert.deepEqual(
    report.checks.map(({ name, allowed, unit }) => [name, allowed, unit]),
    [
      ['database', 1_000, 'ms'],
      ['schema', undefined, undefined],
      ['snapshot', 3_000, 'ms'],
      ['disk', 268_435_456, 'bytes'],
    ],
  );
});

test('each thing that is wrong is named, with what was seen and what is allowed, and nothing else is', async () => {
  const stage = onStage(roomy);
  await stage.server.drain();
  for (const [fault, name, detail] of [
    ['away', 'database', /cannot be reached; no permit is given/],
    ['frozen', 'database', /did not answer in time/],
    ['newer', 'schema', /changed by a newer server .* start the newer program here too/],
  ] as const) {
    stage.break(fault);
    const { report, wrong } = await stage.ask();
    assert.deepEqual(wrong, [name], fault);
    assert.match(report.checks.find((one) => one.name === name)?.detail ?? '', detail);
  }
  stage.break('none');
  stage.elapse(3_001);
  const { report, wrong } = await stage.ask();
  assert.deepEqual(wrong, ['snapshot']);
  assert.equal(report.checks.find((one) => one.name === 'snapshot')?.seen, 3_001);
});

test('a disk that is almost full, or that cannot be looked at, makes the server not ready; a real one is measured', async () => {
  const full = onStage(async () => ({ freeBytes: 1_000 }));
  await full.server.drain();
  const { report, wrong } = await full.ask();
  assert.deepEqual([wrong, report.checks.at(-1)?.seen], [['disk'], 1_000]);

  const folder = await mkdtemp(join(tmpdir(), 'outrider-disk-'));
  assert.ok((await readDiskSpace(folder)).freeBytes > 0);
  await rm(folder, { recursive: true });
  const gone = onStage(() => readDiskSpace(folder));
  await gone.server.drain();
  assert.match((await gone.ask()).report.checks.at(-1)?.detail ?? '', /cannot be looked at \(ENOENT/);
});

test('a disk that hangs makes the server not ready in a second, and is asked once however often is probed', async () => {
  let asked = 0;
  const hung = onStage(() => {
    asked++;
    return new Promise(() => {});
  });
  await hung.server.drain();
  for (let probes = 0; probes < 3; probes++) {
    const { report, wrong } = await hung.ask();
    assert.deepEqual(wrong, ['disk']);
    assert.match(report.checks.at(-1)?.detail ?? '', /did not answer within 1000 ms/);
  }
  assert.equal(asked, 1);
});

test('the process is alive whatever is wrong with all else', async () => {
  const stage = onStage(roomy);
  stage.break('frozen');
  const answer = await stage.server.handleDevice({ method: 'GET', path: '/health/live', headers: {}, body: '' });
  assert.deepEqual([answer.status, answer.body], [200, '{"status":"live"}']);
});

test('a hundred probes at once ask the database once', async () => {
  let asked = 0;
  const store = memoryStore();
  const { ports } = rehearse({ store, blobs: memoryBlobs(), schedule: timers });
  const installation = {
    ...store.installation,
    async loadSetting() {
      asked++;
      return undefined;
    },
  };
  const server = composeServer({ ...ports, store: { ...store, installation } });
  const probe = { method: 'GET', path: '/health/ready', headers: {}, body: '' };
  await Promise.all(Array.from({ length: 100 }, () => server.handleDevice(probe)));
  assert.equal(asked, 1);
});

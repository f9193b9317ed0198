// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { monotonicClock, wallClock } from '@outrider/adapters/shared/clock';
import { delay } from '@outrider/adapters/shared/delay';
import { digestText } from '@outrider/adapters/shared/digest';
import { packImage } from '@outrider/adapters/shared/image';
import { CALL_SPREAD_MS, callInstant } from '@outrider/domain/device/polling';
import { present } from '@outrider/domain/kernel/assert';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { fleetInstant, MINUTE_MS } from '@outrider/domain/kernel/time';
import { memoryStore } from '@outrider/testkit/memory-store';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';
import { composeServer } from '../compose.ts';
import type { Schedule } from '../ports.ts';
import { DEVICE_TYPE, REGISTRATION_TOKEN, rehearse } from '../rehearsal.ts';
import { listen } from './listen.ts';
import { wakeListener } from './wake-listener.ts';

const AGENT = fileURLToPath(new URL('../../../agent/src/main.ts', import.meta.url));
/** A busy machine starts a program in this time, and answers. */
const PATIENCE_MS = 60_000;
const timers: Schedule = {
  after(delayMs, work) {
    const timer = setTimeout(work, delayMs);
    return () => clearTimeout(timer);
  },
};

const folder = await mkdtemp(join(tmpdir(), 'outrider-called-'));
const { conductor: _, ...ports } = rehearse({ store: memoryStore(), blobs: memoryBlobs(), schedule: timers }).ports;
const server = composeServer({ ...ports, fleetClock: wallClock(), machineClock: monotonicClock() });
await server.drain();
server.start();
const listening = await listen({
  ...{ server, host: '127.0.0.1', port: 0, version: '0.0.0', adminTokenDigest: digestText('admin'), digestText },
  ...{ schedule: timers, log: ports.log },
  wakes: wakeListener({ wakes: server.wakes, schedule: timers, log: ports.log }),
});
assert.ok(listening.ok);
const { url } = listening.value;
const agents: ChildProcess[] = [];
after(async () => {
  for (const agent of agents) agent.kill('SIGKILL');
  await listening.value.close();
  await server.close();
  await rm(folder, { recursive: true, force: true });
});
await mkdir(join(folder, 'tree'));
await writeFile(join(folder, 'tree', 'launcher'), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
const packed = await packImage(join(folder, 'tree'));
assert.ok(packed.ok);
const factoryImage = join(folder, 'factory.img');
await writeFile(factoryImage, packed.value);

/** Calls are spread over ten seconds: of the ids that there are, one whose place in them lies early, whatever it has sent by then. */
function earlyId(prefix: string): DeviceId {
  for (let number = 0; ; number++) {
    const deviceId = `${prefix}-${number}` as DeviceId;
    const waits = [0, 1, 2, 3, 4].map((sequence) =>
      Number(callInstant(fleetInstant(0), deviceId, { sequence, calledAt: undefined })),
    );
    if (Math.max(...waits) < CALL_SPREAD_MS / 4) return deviceId;
  }
}

const checkInsOf = async (deviceId: DeviceId) =>
  (await ports.store.registry.loadDevices([deviceId]))[0]?.record.status.sequence ?? 0;

async function until(claim: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const limit = performance.now() + PATIENCE_MS;
  while (!(await isSo())) {
    assert.ok(performance.now() < limit, claim);
    await delay(20);
  }
}

for (const manner of ['websocket', 'held-request'] as const) {
  test(`a real agent that listens by ${manner} is called by a pause, and checks in within its spread, hours before its poll`, async () => {
    const deviceId = earlyId(`camera-${manner}`);
    const heardBefore = server.recorder.counters.read().wake?.listening ?? 0;
    const agent = spawn(
      process.execPath,
      [
        ...[
          AGENT,
          '--server',
          url,
          '--data',
          join(folder, deviceId),
          '--device-id',
          deviceId,
          '--token',
          REGISTRATION_TOKEN,
        ],
        ...['--device-type', DEVICE_TYPE, '--hardware-id', 'rev-a', '--listen', manner],
        ...['--factory-image', factoryImage, '--factory-version', '1.0.0', '--factory-counter', '1'],
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    agents.push(agent);
    let said = '';
    agent.stderr.on('data', (part: Buffer) => {
      said += part.toString();
    });
    await until(`it listens: ${said}`, () => (server.recorder.counters.read().wake?.listening ?? 0) > heardBefore);
    const pollsAt = Date.parse(present(/next poll is at (\S+),/.exec(said)?.[1], `the next poll in: ${said}`));
    assert.ok(pollsAt - wallClock().now() > MINUTE_MS, 'by itself it comes much later');
    const before = await checkInsOf(deviceId);
    const change = { scope: 'global', author: 'ada', reason: 'something smells' } as const;
    assert.ok((await server.policy.pauseScope(change)).ok);
    await until(`it checks in: ${said}`, async () => {
      await server.drain();
      return (await checkInsOf(deviceId)) > before;
    });
    assert.ok(wallClock().now() < pollsAt, 'the call has brought it');
    assert.ok((await server.policy.resumeScope(change)).ok);
    agent.kill('SIGTERM');
    if (agent.exitCode === null) await once(agent, 'exit');
  });
}

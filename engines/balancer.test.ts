// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as elapse } from 'node:timers/promises';
import { freePort } from '@outrider/testkit/free-port';
import { checkoutRoot } from '../scripts/gates.ts';
import { debianProgram } from './debian-program.ts';
import { startGateways } from './way/gateways.ts';

const haproxy = await debianProgram({
  ...{ name: 'haproxy', version: '2.6.12-1+deb12u4', series: '2.6' },
  path: 'usr/sbin/haproxy',
});
/** What haproxy connects from, so that gateways know it from everybody else. */
const BALANCER = '127.0.0.9';
const PER_ADDRESS_MAX = 30;
const servers = await startGateways(3, {
  gatewayFlags: ['--proxy-protocol-from', BALANCER, '--connections-per-address-max', String(PER_ADDRESS_MAX)],
});
after(async () => {
  await haproxy.remove();
  await servers.remove();
});

const port = await freePort();
const template = readFileSync(join(checkoutRoot(), 'deploy', 'haproxy', 'haproxy.cfg'), 'utf8');
const config = join(haproxy.home, 'haproxy.cfg');
writeFileSync(
  config,
  template
    .replace('[BIND]', `127.0.0.1:${port}`)
    .replace('maxconn 200000', 'maxconn 1000')
    .replaceAll(/\[GATEWAY_(\d)\]/g, (_, index) => {
      return `${new URL(servers.gateways[Number(index)]?.url ?? '').host} source ${BALANCER}`;
    }),
);

test('haproxy takes the configuration as it ships', async () => {
  await haproxy.run('-c', '-f', config);
});

test('behind haproxy a rolling upgrade of three gateways and the loss of one leave no question without an answer', async () => {
  haproxy.start('-db', '-f', config);
  const url = `http://127.0.0.1:${port}/health/live`;
  await untilAnswered(url);
  const answers = { asked: 0, again: 0, failed: 0 };
  let isOver = false;
  const asking = Array.from({ length: 10 }, () => ask());

  /** As a device: one that was cut off, or turned away, asks again. */
  async function ask(): Promise<void> {
    while (!isOver) {
      answers.asked++;
      for (let tries = 1; !(await isAnswered(url)); tries++) {
        answers.again++;
        if (tries === 4) {
          answers.failed++;
          break;
        }
        await elapse(250);
      }
      await elapse(50);
    }
  }

  for (const gateway of servers.gateways) {
    await gateway.restart('SIGTERM', 0);
    await elapse(1_500);
  }
  await servers.gateways[0]?.restart('SIGKILL', 2_000);
  isOver = true;
  await Promise.all(asking);
  assert.ok(answers.asked > 300, JSON.stringify(answers));
  assert.equal(answers.failed, 0, JSON.stringify(answers));
  assert.ok(answers.again < answers.asked / 50, JSON.stringify(answers));
});

test('behind haproxy the address of a device counts, and not that of haproxy: a greedy one keeps nobody else out', async () => {
  const sockets = Array.from({ length: PER_ADDRESS_MAX * 4 }, () => {
    const socket = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.7' });
    return socket.on('error', () => {}).resume();
  });
  try {
    const cut = () => sockets.filter((one) => one.closed).length;
    for (let tries = 0; cut() === 0; tries++) {
      assert.ok(tries < 100, 'no connection of the greedy address was ended');
      await elapse(100);
    }
    assert.ok(cut() < sockets.length, 'it has those that it may have');
    assert.ok(await isAnswered(`http://127.0.0.1:${port}/health/live`), 'others are answered');
  } finally {
    for (const socket of sockets) socket.destroy();
  }
});

test('behind haproxy a client of DDI reaches a gateway', async () => {
  const response = await fetch(`http://127.0.0.1:${port}/DEFAULT/controller/v1/gate-1`);
  assert.deepEqual([response.status, JSON.parse(await response.text()).code], [401, 'device-unknown']);
});

async function isAnswered(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
    await response.text();
    return response.ok;
  } catch {
    return false;
  }
}

async function untilAnswered(url: string): Promise<void> {
  for (let tries = 0; !(await isAnswered(url)); tries++) {
    assert.ok(tries < 300, 'haproxy does not answer');
    await elapse(100);
  }
}

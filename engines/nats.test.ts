// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { setTimeout as elapse } from 'node:timers/promises';
import { natsNotices } from '@outrider/adapters/server/notices/nats-notices';
import { policyNoticesContract } from '@outrider/testkit/contracts/policy-notices';
import { freePort } from '@outrider/testkit/free-port';
import { debianProgram } from './debian-program.ts';
import { startGateways } from './way/gateways.ts';

const nats = await debianProgram({
  ...{ name: 'nats-server', version: '2.9.10-1+b3', series: '2.9' },
  path: 'usr/sbin/nats-server',
});
after(() => nats.remove());

const port = await freePort();
const monitor = await freePort();
const flags = [
  ...['--addr', '127.0.0.1', '--port', String(port), '--user', 'outrider', '--pass', 'a word: of/it'],
  ...['--http_port', String(monitor)],
];
const BUS_URL = `nats://outrider:${encodeURIComponent('a word: of/it')}@127.0.0.1:${port}`;
let server = nats.start(...flags);

test('it is the real one', async () => {
  assert.match(await nats.run('--version'), /^nats-server: v2\.9\./);
});

policyNoticesContract('NATS', async () => ({
  open: () => natsNotices(BUS_URL),
  /** kill -9 of the bus, and its start on the same port. */
  async cut() {
    server.kill('SIGKILL');
    await once(server, 'exit');
    server = nats.start(...flags);
  },
}));

test('servers go on without a bus: telling and closing harm nobody while none is there', async () => {
  const alone = natsNotices(`nats://127.0.0.1:${await freePort()}`);
  let looks = 0;
  alone.follow(() => looks++);
  alone.tell();
  await alone.close();
  assert.equal(looks, 0);
});

test('a control plane and a gateway as processes tell each other to look over it', async () => {
  const servers = await startGateways(1, { environment: { OUTRIDER_NOTICES_URL: BUS_URL } });
  try {
    const before = await carried();
    assert.ok(before.connections >= 2, 'both are connected');
    const paused = await fetch(`${servers.controlUrl}/api/v1/scopes/pause`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${servers.adminToken()}` },
      body: JSON.stringify({ scope: 'global', reason: 'a bad feeling' }),
    });
    assert.equal(paused.status, 200, await paused.text());
    for (let tries = 0; (await carried()).delivered < before.delivered + 1; tries++) {
      assert.ok(tries < 300, 'no notice went over the bus');
      await elapse(100);
    }
  } finally {
    await servers.remove();
  }
});

/** What the bus says of itself: who is connected, and how many messages it has handed on. */
async function carried(): Promise<{ readonly connections: number; readonly delivered: number }> {
  const { connections, out_msgs: delivered } = JSON.parse(
    await (await fetch(`http://127.0.0.1:${monitor}/varz`)).text(),
  );
  return { connections, delivered };
}

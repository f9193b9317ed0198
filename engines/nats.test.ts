// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { natsNotices } from '@outrider/adapters/server/notices/nats-notices';
import { policyNoticesContract } from '@outrider/testkit/contracts/policy-notices';
import { freePort } from '@outrider/testkit/free-port';
import { debianProgram } from './debian-program.ts';

const nats = await debianProgram({
  ...{ name: 'nats-server', version: '2.9.10-1+b3', series: '2.9' },
  path: 'usr/sbin/nats-server',
});
after(() => nats.remove());

const port = await freePort();
const flags = ['--addr', '127.0.0.1', '--port', String(port), '--user', 'outrider', '--pass', 'a word: of/it'];
let server = nats.start(...flags);

test('it is the real one', async () => {
  assert.match(await nats.run('--version'), /^nats-server: v2\.9\./);
});

policyNoticesContract('NATS', async () => ({
  open: () => natsNotices(`nats://outrider:${encodeURIComponent('a word: of/it')}@127.0.0.1:${port}`),
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

// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { connect, createServer } from 'node:net';
import { after, test } from 'node:test';
import { listening, openCutProxy } from './cut-proxy.ts';

const echo = createServer((socket) => socket.pipe(socket));
const proxy = await openCutProxy({ host: '127.0.0.1', port: await listening(echo) });
const client = connect(proxy.port, '127.0.0.1');
client.setEncoding('utf8');

after(async () => {
  client.destroy();
  await proxy.close();
  await new Promise((resolve) => echo.close(resolve));
});

test('a network that is opened twice carries each byte once, and what was sent in silence arrives after it', async () => {
  const heard = async (count: number) => {
    let text = '';
    for await (const part of client.iterator({ destroyOnReturn: false }) as AsyncIterable<string>) {
      text += part;
      if (text.length >= count) return text;
    }
    return text;
  };
  client.write('one');
  assert.equal(await heard(3), 'one');
  proxy.set('silent');
  client.write('two');
  proxy.set('open');
  proxy.set('open');
  client.write('three');
  client.write('four');
  assert.equal(await heard(12), 'twothreefour');
});

// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { CA_LIVES, makeRoot, writeOnlineCa } from '@outrider/adapters/server/ca/init-ca';
import { wallClock } from '@outrider/adapters/shared/clock';
import { recordedWorld } from '../recorded-world.ts';

const world = recordedWorld();
after(() => world.remove());
const order = { name: 'Acme', serverNames: ['127.0.0.1'], nowMs: wallClock().now(), lives: CA_LIVES };
await writeOnlineCa(world.folder, makeRoot(order), order);

const AT = ['--data', world.folder, '--gateway-socket', 'one.sock', '--gateway-socket', 'two.sock', '--json'];
const SOCKETS = ['one.sock', 'two.sock'].map((name) => join(world.folder, name));
const modeOf = (path: string) => statSync(path).mode & 0o777;

async function configured(kind: string, ...flags: readonly string[]): Promise<{ path: string; text: string }> {
  const ran = await world.run('terminator', 'config', '--kind', kind, '--out', kind, ...AT, ...flags);
  assert.equal(ran.code, 0, ran.log);
  const { configuration: path }: { configuration: string } = JSON.parse(ran.output);
  return { path, text: readFileSync(path, 'utf8') };
}

test('Envoy gets all it needs: the sockets of the gateways, where devices connect to, and files that it alone may read', async () => {
  const { path, text } = await configured('envoy', '--bind', '[::1]:9443', '--connections-max', '500');
  const { listeners, clusters } = JSON.parse(text).static_resources;
  const [listener] = listeners;
  assert.deepEqual(listener.address.socket_address, { address: '::1', port_value: 9443 });
  const [{ lb_endpoints: ends }] = clusters[0].load_assignment.endpoints;
  assert.deepEqual(
    ends.map((one: { endpoint: { address: { pipe: { path: string } } } }) => one.endpoint.address.pipe.path),
    SOCKETS,
  );
  assert.match(text, /"max_active_downstream_connections": 500/);
  for (const prefix of ['/v1/', '/blobs/', '/repo/', '/health/']) assert.match(text, new RegExp(`"${prefix}"`));
  for (const path of ['/[^/]+/controller/v1/.+', '/[^/]+/controller/v1/[^/]+/softwaremodules/.+']) {
    assert.ok(text.includes(`"regex": ${JSON.stringify(path)}`), path);
  }
  const folder = join(world.folder, 'envoy');
  const secret = [path, join(folder, 'server-key.pem'), join(folder, 'ticket-keys.json')];
  assert.deepEqual(secret.map(modeOf), [0o600, 0o600, 0o600]);
  assert.match(readFileSync(join(folder, 'server.pem'), 'utf8'), /BEGIN CERTIFICATE/);
  assert.equal(readFileSync(join(folder, 'device-ca.pem'), 'utf8').match(/BEGIN CERTIFICATE/g)?.length, 1);
  const before = JSON.parse(readFileSync(join(folder, 'ticket-keys.json'), 'utf8'));
  const renewed = await world.run('terminator', 'tickets', '--kind', 'envoy', '--out', 'envoy', '--data', world.folder);
  assert.equal(renewed.code, 0, renewed.log);
  const keys = JSON.parse(readFileSync(join(folder, 'ticket-keys.json'), 'utf8')).resources[0].session_ticket_keys.keys;
  assert.deepEqual([keys.length, keys], [3, before.resources[0].session_ticket_keys.keys], 'they follow from the day');
});

test('HAProxy lets pass all that devices ask for, and nothing else', async () => {
  const { path, text } = await configured('haproxy');
  const allowed = 'unless { path_beg /v1/ /blobs/ /repo/ /health/ } or { path_reg ^/[^/]+/controller/v1/ }\n';
  assert.ok(text.includes(allowed), text);
  for (const socket of SOCKETS) assert.ok(text.includes(` unix@${socket} `));
  assert.deepEqual([modeOf(path), modeOf(join(world.folder, 'haproxy', 'ticket-keys'))], [0o600, 0o600]);
});

for (const [claim, flags, message] of [
  ['an address without a port', ['--bind', 'localhost'], /--bind is localhost, allowed is an address and a port/],
  ['a path with a space', ['--out', 'a folder'], /has a space or a quote, which the file of a proxy cannot hold/],
  ['a proxy that nobody knows', ['--kind', 'nginx'], /'nginx' is invalid; allowed choices are haproxy, envoy/i],
] as const) {
  test(`${claim} is refused with what is allowed`, async () => {
    const ran = await world.run('terminator', 'config', '--out', 'x', ...AT, ...flags);
    assert.equal(ran.code, 2, ran.log);
    assert.match(ran.log, message);
  });
}

// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { recordedWorld } from './recorded-world.ts';

const world = recordedWorld({ environment: { USER: 'ada' } });
const requests: { readonly line: string; readonly token: string; readonly author: unknown; readonly body: string }[] =
  [];
let answer: { readonly status: number; readonly body: string } = { status: 200, body: '{}' };
const server = createServer((request, response) => {
  void bodyOf(request).then((body) => {
    requests.push({
      line: `${request.method} ${request.url}`,
      token: request.headers.authorization ?? '',
      author: request.headers['x-outrider-author'],
      body,
    });
    response.writeHead(answer.status).end(request.method === 'HEAD' ? undefined : answer.body);
  });
});
let url = '';

before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  url = `http://127.0.0.1:${address.port}`;
  mkdirSync(join(world.folder, 'data'));
  writeFileSync(join(world.folder, 'data', 'server.json'), JSON.stringify({ url, pid: 1 }));
  writeFileSync(join(world.folder, 'data', 'admin-token'), 'secret\n');
});

after(() => {
  server.close();
  world.remove();
});

test('the data folder of a running server says where it is and lets the operator in', async () => {
  answer = { status: 200, body: '{"items":[]}' };
  const { code, log } = await world.run('release', 'list', '--data', 'data', '--device-type', 'camera');
  assert.equal(code, 0);
  assert.equal(log, 'There is no release');
  assert.deepEqual(requests.at(-1), {
    author: 'ada',
    line: 'GET /api/v1/releases?deviceType=camera',
    token: 'Bearer secret',
    body: '',
  });
});

test('a token that was given is the one that is used, and an empty name of a folder is none', async () => {
  await world.run('release', 'list', '--data', 'data', '--token', 'mine');
  assert.equal(requests.at(-1)?.token, 'Bearer mine');
  const empty = await world.run('status', '--data', '');
  assert.equal(empty.code, 2);
  assert.match(empty.log, /The data folder is an empty text; name it with --data or OUTRIDER_DATA/);
});

test('a pause names its author and reason, and shows who still holds a permit', async () => {
  answer = {
    status: 200,
    body: '{"revision":7,"at":0,"openPermits":[{"deviceId":"camera-1","rolloutId":"r1","permitId":"p1","expiresAt":3600000}]}',
  };
  const { output } = await world.run(
    'pause',
    'region',
    'north',
    '--reason',
    'storm',
    '--server',
    `${url}/`,
    '--token',
    'other',
  );
  assert.deepEqual(requests.at(-1), {
    line: 'POST /api/v1/scopes/pause',
    token: 'Bearer other',
    author: 'ada',
    body: '{"scope":"region:north","reason":"storm"}',
  });
  assert.match(output, /^revision +7\n/);
  assert.match(output, /camera-1 +r1 +p1 +1970-01-01T01:00:00Z/);
});

for (const [status, exit] of [
  [400, 2],
  [401, 4],
  [404, 3],
  [409, 4],
  [422, 4],
  [500, 1],
  [503, 1],
] as const) {
  test(`a problem of status ${status} ends with ${exit} and the sentence of the server`, async () => {
    const problem = {
      type: 'urn:outrider:problem:some-code',
      title: 'T',
      status,
      code: 'some-code',
      detail: 'The value is 1, allowed is 2; use 2',
    };
    answer = { status, body: JSON.stringify(problem) };
    const { code, log } = await world.run('rollout', 'show', 'r1', '--data', 'data', '--json');
    assert.equal(code, exit);
    assert.deepEqual(JSON.parse(log), { error: { code: 'some-code', message: problem.detail } });
  });
}

test('a server that is not Outrider is named', async () => {
  answer = { status: 200, body: '<html>' };
  const { code, log } = await world.run('status', '--data', 'data');
  assert.equal(code, 1);
  assert.match(log, /The answer of the server is not JSON/);
});

test('no server, no data folder and nobody signed in each end with what to do', async () => {
  const away = await world.run('status', '--server', 'http://127.0.0.1:9', '--token', 't');
  assert.equal(away.code, 5);
  assert.match(away.log, /No server answers at http:\/\/127\.0\.0\.1:9 .*start it with `outrider up`/);
  const never = await world.run('status', '--data', 'nowhere');
  assert.equal(never.code, 5);
  assert.match(never.log, /No server has run in .*nowhere; start one with `outrider up`/);
  const tokenless = await world.run('status', '--server', url);
  assert.equal(tokenless.code, 2);
  assert.match(
    tokenless.log,
    /Nobody is signed in at .*; run `outrider login --server .*`, add --token or set OUTRIDER_TOKEN/,
  );
});

test('a token or a password that cannot be sent is named, and never repeated', async () => {
  const secret = 'correct-horse';
  for (const wrong of [
    ['--server', `http://u:${secret}@127.0.0.1:9`, '--token', 't'],
    ['--server', `ftp://u:${secret}@127.0.0.1:9`, '--token', 't'],
    ['--server', `://u:${secret}@`, '--token', 't'],
    ['--server', url, '--token', `${secret}\nb`],
    ['--server', url, '--token', `${secret} \u00e9`],
  ]) {
    const { code, log } = await world.run('status', ...wrong);
    assert.equal(code, 2, log);
    assert.ok(!log.includes(secret), log);
    assert.match(log, /^outrider: The (token is a text of|server is a URL with) .*--token/);
  }
  answer = { status: 200, body: '{}' };
  assert.equal((await world.run('rollout', 'list', '--server', url, '--token', 'fine\n', '--json')).code, 0);
});

test('what a server sends cannot drive the terminal', async () => {
  answer = { status: 200, body: JSON.stringify({ items: [{ manifest: { releaseId: 'a\u001b[2Jb\nc' } }] }) };
  const { output } = await world.run('release', 'list', '--data', 'data');
  assert.match(output, /^a \[2Jb c +- /m);
});

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

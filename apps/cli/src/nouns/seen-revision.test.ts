// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, test } from 'node:test';
import { connectionTo, recordedWorld } from '../recorded-world.ts';

const bodies: { readonly expectedRevision?: number }[] = [];
const server = createServer((request, response) => {
  let body = '';
  request.on('data', (part: Buffer) => {
    body += part.toString();
  });
  request.on('end', () => {
    if (request.method === 'POST') bodies.push(JSON.parse(body));
    response.end(JSON.stringify({ revision: 7, at: 1_800_000_000_000, openPermits: [] }));
  });
});
const world = recordedWorld();
const connection = await connectionTo(server);

after(() => {
  server.close();
  world.remove();
});

test('a resume names the revision it was asked from, so that a late one ends no later pause; a pause is never refused', async () => {
  const sent = async (words: string) => {
    const ran = await world.run(...words.split(' '), '--reason', 'because', ...connection);
    assert.equal(ran.code, 0, ran.log);
    return bodies.at(-1)?.expectedRevision;
  };
  assert.equal(await sent('resume global'), 7);
  assert.equal(await sent('resume region eu'), 7);
  assert.equal(await sent('rollout resume r1'), 7);
  assert.equal(await sent('resume global --expected-revision 5'), 5);
  assert.equal(await sent('pause global'), undefined);
  assert.equal(await sent('rollout pause r1'), undefined);
});

// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, test } from 'node:test';
import { connectionTo, recordedWorld } from '../recorded-world.ts';

const LAB = {
  kind: 'all-of',
  of: [
    { kind: 'attribute', name: 'customer', in: ['acme'] },
    { kind: 'tag', tag: 'lab' },
  ],
};
const GROUP = {
  groupId: 'lab',
  audience: LAB,
  reason: 'the rack',
  revision: 7,
  at: 0,
  by: 'ada',
  devices: 2,
  isExact: true,
};

/** What a server would answer, and what it was sent. */
const ANSWERS: Readonly<Record<string, object>> = {
  'GET /api/v1/groups/lab': GROUP,
  'GET /api/v1/groups': { revision: 9, items: [GROUP] },
  'GET /api/v1/base-rates?deviceType=camera': { items: [] },
  'POST /api/v1/device-tags': { devices: 1, changed: 1, attributesRevision: 3 },
};
const world = recordedWorld({ environment: { USER: 'ada' } });
const sent: { readonly what: string; readonly body: unknown }[] = [];
const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const what = `${request.method} ${request.url}`;
    const text = Buffer.concat(chunks).toString();
    sent.push({ what, body: text === '' ? undefined : JSON.parse(text) });
    response.end(JSON.stringify(ANSWERS[what] ?? { revision: 8, at: 0 }));
  });
});
const connection = await connectionTo(server);

after(() => {
  server.close();
  world.remove();
});

async function run(...words: readonly string[]) {
  const ended = await world.run(...words, ...connection);
  return { ...ended, last: sent.at(-1) };
}

test('a group is named by the flags of an audience, and changed from the revision that was seen', async () => {
  const made = await run('group', 'create', 'lab', '--customer', 'acme', '--tag', 'lab', '--reason', 'the rack');
  assert.equal(made.code, 0, made.log);
  assert.deepEqual(made.last?.body, { group: { groupId: 'lab', audience: LAB, reason: 'the rack' } });
  const changed = await run('group', 'change', 'lab', '--everyone', '--revision', '7', '--reason', 'all');
  assert.deepEqual(changed.last?.body, {
    group: { groupId: 'lab', audience: { kind: 'everyone' }, reason: 'all' },
    replaces: 7,
  });
  const removed = await run('group', 'remove', 'lab', '--revision', '7', '--reason', 'over');
  assert.deepEqual(removed.last, { what: 'POST /api/v1/groups/lab/remove', body: { reason: 'over', replaces: 7 } });
  for (const words of [
    ['create', 'lab', '--reason', 'nobody is named'],
    ['change', 'lab', '--everyone', '--reason', 'no revision'],
  ]) {
    assert.equal((await run('group', ...words)).code, 2);
  }
});

test('a group is shown in words', async () => {
  assert.match((await run('group', 'list')).output, /lab +\(customer in acme and tag lab\) +7/);
  assert.match((await run('group', 'show', 'lab')).output, /registered now +2/);
});

test('a rollout, a freeze and an exclusion take a copy of what the group means', async () => {
  const plan = ['rollout', 'create', '--group', 'lab', '--release', 'camera-1.1.0', '--device-type', 'camera'];
  assert.deepEqual(JSON.parse((await run(...plan, '--print-plan')).output).audience, LAB);
  const times = ['--from', '2026-12-18T16:00:00Z', '--until', '2027-01-04T06:00:00Z', '--reason', 'holidays'];
  const frozen = await run('freeze', 'set', 'winter', '--group', 'lab', '--region', 'eu', ...times);
  const both = { kind: 'all-of', of: [LAB, { kind: 'attribute', name: 'region', in: ['eu'] }] };
  assert.deepEqual(audienceIn(frozen.last?.body, 'freeze', 'audience'), both);
  const excluded = await run('exclusion', 'set', 'rack', '--group', 'lab', '--reason', 'on show');
  assert.deepEqual(audienceIn(excluded.last?.body, 'exclusion', 'of'), LAB);
});

test('tags are given and taken by id or by query, never to everybody by omission', async () => {
  const given = await run('device', 'tag', 'lab', 'gold', '--device', 'cam-1', '--revision', '2');
  assert.deepEqual(given.last?.body, { deviceIds: ['cam-1'], add: ['lab', 'gold'], attributesRevision: 2 });
  assert.match(given.output, /revision +3/);
  const taken = await run('device', 'untag', 'lab', '--where', 'group = lab and silent > 90d');
  assert.deepEqual(taken.last?.body, { where: 'group = lab and silent > 90d', remove: ['lab'] });
  assert.equal((await run('device', 'tag', 'lab')).code, 2);
  assert.equal((await run('device', 'tag', 'lab', '--where', 'colour = red')).code, 2);
});

function audienceIn(body: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, name) =>
      typeof value === 'object' && value !== null ? new Map(Object.entries(value)).get(name) : undefined,
    body,
  );
}

// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { THRESHOLD_WHOLE } from '@outrider/domain/policy/charter';
import { parseCharter, parseSignedCharter } from '@outrider/protocol/policy/charter';
import { connectionTo, recordedWorld } from '../recorded-world.ts';

/** A charter as the server draws it up, from the golden one. */
const golden = new URL('../../../../packages/protocol/vectors/v1/charter.json', import.meta.url);
const DRAFT = JSON.parse(JSON.parse(readFileSync(golden, 'utf8')).accepted[0].text);
const RECEIPT = { revision: 8, at: 1_800_000_000_000, rollout: { rolloutId: 'r1', state: 'approved', epoch: 1 } };

const world = recordedWorld();
const sent: { readonly path: string; readonly body: string }[] = [];
let answer: object = { draft: DRAFT };
const server = createServer((request, response) => {
  let body = '';
  request.on('data', (part: Buffer) => {
    body += part.toString();
  });
  request.on('end', () => {
    if (request.method === 'POST') sent.push({ path: request.url ?? '', body });
    response.end(JSON.stringify(request.method === 'POST' ? RECEIPT : answer));
  });
});
const connection = await connectionTo(server);
const place = (name: string) => join(world.folder, name);

before(async () => {
  for (const name of ['ada', 'bob']) {
    const made = await world.run('key', 'create', '--group', name, '--out', place(`${name}.key`));
    assert.equal(made.code, 0, made.log);
  }
});

after(() => {
  server.close();
  world.remove();
});

test('two people sign one after another, open a wave each, and see what their keys sign', async () => {
  const made = await world.run('charter', 'create', 'r1', '--out', place('charter.json'), ...connection);
  assert.equal(made.code, 0, made.log);
  assert.match(made.output, /^signatures +none yet *$/m);
  const first = await world.run('charter', 'sign', place('charter.json'), '--key', place('ada.key'), '--wave', 'half');
  assert.equal(first.code, 0, first.log);
  assert.match(first.output, /^half +50\.00 % .* [0-9a-f]{12}$/m);
  assert.match(first.output, /^everyone +100\.00 % .* none yet$/m);
  const keys = ['--key', place('bob.key'), '--key', place('ada.key')];
  const second = await world.run('charter', 'sign', place('charter.json'), ...keys, '--wave', 'all');
  assert.equal(second.code, 0, second.log);
  const read = parseSignedCharter(readFileSync(place('charter.json'), 'utf8').trim());
  assert.ok(read.ok);
  assert.equal(read.value.document.signatures.length, 2, 'a second signature by one key replaces its first');
  assert.deepEqual(
    read.value.openings.map((one) => one.signatures.length),
    [2, 2],
  );
  const submitted = await world.run('charter', 'submit', place('charter.json'), ...connection);
  assert.equal(submitted.code, 0, submitted.log);
  assert.match(sent.at(-1)?.path ?? '', /\/rollouts\/r1\/charter$/);
  assert.deepEqual(JSON.parse(sent.at(-1)?.body ?? '').charter, read.value);
});

test('a wave can be made smaller and later before anybody signs, and no wave begins before the one before it', async () => {
  const changes = ['--threshold', 'half=30', '--not-before', 'canary=2027-03-01T06:00:00Z', '--groups', '3'];
  const made = await world.run('charter', 'create', 'r1', '--out', place('smaller.json'), ...changes, ...connection);
  assert.equal(made.code, 0, made.log);
  const read = parseSignedCharter(readFileSync(place('smaller.json'), 'utf8').trim());
  const document = parseCharter(read.ok ? read.value.document.payload : '');
  assert.ok(document.ok);
  assert.equal(document.value.waves[3]?.threshold, Math.floor(0.3 * THRESHOLD_WHOLE));
  assert.equal(document.value.groups, 3);
  const begins = document.value.waves.map((wave) => wave.notBefore);
  assert.deepEqual(begins.slice(1), Array(4).fill(Date.parse('2027-03-01T06:00:00Z')));
});

test('what cannot be is refused by name: an unknown wave, one that needs nothing, a file that is none', async () => {
  const path = place('charter.json');
  const refusals: readonly (readonly [readonly string[], RegExp])[] = [
    [['charter', 'sign', path, '--key', place('ada.key'), '--wave', 'most'], /most is not one of the charter/],
    [['charter', 'sign', path, '--key', place('ada.key'), '--wave', 'tenth'], /tenth goes no further than a tenth/],
    [['charter', 'sign', path, '--key', place('nobody.key')], /no key file at/],
    [['charter', 'show', place('ada.key')], /charter in .* cannot be used/],
    [['charter', 'create', 'r1', '--out', path, ...connection], /already a file/],
    [
      ['charter', 'create', 'r1', '--out', place('x'), '--threshold', 'half=101', ...connection],
      /percent from 0 to 100/,
    ],
    [['charter', 'create', 'r1', '--out', place('x'), '--not-before', 'half=now', ...connection], /UTC to the second/],
    [['charter', 'create', 'r1', '--out', place('x'), '--threshold', 'half=1', ...connection], /contradict itself/],
  ];
  for (const [words, sentence] of refusals) {
    const answered = await world.run(...words);
    assert.notEqual(answered.code, 0);
    assert.match(answered.log, sentence);
  }
});

test('the charter in force is fetched to open further waves in it', async () => {
  answer = { inForce: JSON.parse(readFileSync(place('charter.json'), 'utf8')), sha256: 'a'.repeat(64) };
  const made = await world.run('charter', 'create', 'r1', '--out', place('again.json'), ...connection);
  assert.equal(made.code, 0, made.log);
  assert.equal(readFileSync(place('again.json'), 'utf8'), readFileSync(place('charter.json'), 'utf8'));
});

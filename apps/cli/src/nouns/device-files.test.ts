// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { connectionTo, recordedWorld } from '../recorded-world.ts';

const world = recordedWorld({ environment: { USER: 'ada' } });
let answer: (response: ServerResponse) => void = (response) => response.end('{}');
const server = createServer((request, response) => {
  request.resume().once('end', () => answer(response));
});
const connection = await connectionTo(server);

before(async () => {
  mkdirSync(join(world.folder, 'folder'));
  writeFileSync(join(world.folder, 'bad.ndjson'), '{"deviceId":"a b"}\n{"deviceId":"c d"}\n');
});

after(() => {
  server.close();
  world.remove();
});

async function device(...words: readonly string[]) {
  return await world.run('device', ...words, ...connection);
}

test('lines that are no devices stand in the report with their number, and the exit code says so', async () => {
  const { code, log } = await device('import', 'bad.ndjson');
  assert.equal(code, 4);
  assert.match(
    log,
    /2 of 2 lines were refused; each stands in bad\.ndjson\.refused\.ndjson .* all others are taken in\. The first is line 1: /,
  );
  const report = readFileSync(join(world.folder, 'bad.ndjson.refused.ndjson'), 'utf8');
  assert.deepEqual(
    report
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).line),
    [1, 2],
  );
  assert.match(
    (await device('import', 'bad.ndjson', '--dry-run')).log,
    /all others would be taken in\. The first is line 1: /,
  );
});

test('a report that cannot be written ends an import with one sentence, and never takes the place of the list', async () => {
  const missing = await device('import', 'bad.ndjson', '--report', 'nowhere/report');
  assert.deepEqual(
    [missing.code, missing.log],
    [1, 'outrider: The report at nowhere/report could not be written: its folder does not exist; create it first'],
  );
  const itself = await device('import', 'bad.ndjson', '--report', './bad.ndjson');
  assert.equal(itself.code, 2);
  assert.match(readFileSync(join(world.folder, 'bad.ndjson'), 'utf8'), /^\{"deviceId":"a b"\}/);
});

test('a folder in the place of a list or of an export is one sentence, and nothing is left beside it', async () => {
  for (const format of ['csv', 'ndjson']) {
    const { code, log } = await device('import', 'folder', '--format', format);
    assert.deepEqual(
      [code, log],
      [1, 'outrider: The list of devices at folder could not be read: it is a folder; name a file'],
    );
  }
  const exported = await device('export', '--out', 'folder');
  assert.deepEqual(
    [exported.code, exported.log],
    [1, 'outrider: The export at folder could not be written: it is a folder; name a file'],
  );
  assert.deepEqual(
    readdirSync(world.folder).filter((name) => name.endsWith('.partial')),
    [],
  );
});

/** One of the golden files. */
function knownDevice(): string {
  const vectors = new URL('../../../../packages/protocol/vectors/v1/device-record.json', import.meta.url);
  return JSON.parse(readFileSync(vectors, 'utf8')).accepted[0].text;
}

test('a page that is full says so beside every format, since a file would hold less than the fleet', async () => {
  answer = (response) => response.end(`{"items":[${knownDevice()}]}`);
  for (const format of ['table', 'csv', 'ndjson']) {
    const { log, output } = await device('list', '--limit', '1', '--format', format);
    assert.match(output, /camera-0001/);
    assert.equal(log, 'There may be more: --after camera-0001');
  }
});

test('an answer that breaks off after a change leaves open whether it was made', async () => {
  answer = (response) => {
    response.writeHead(200, { 'content-length': '100' }).write('{"revision":');
    setImmediate(() => response.destroy());
  };
  const paused = await world.run('rollout', 'pause', 'r1', '--reason', 'brakes', ...connection);
  assert.equal(paused.code, 1);
  assert.match(paused.log, /^outrider: The answer of the server broke off; whether a change was made is not known/);
  const read = await device('list');
  assert.match(read.log, /^outrider: The answer of the server broke off; what came is not the whole/);
});

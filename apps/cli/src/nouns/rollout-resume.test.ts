// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parseResumeApproval } from '@outrider/protocol/policy/resume-approval';
import { parseEnvelope } from '@outrider/protocol/trust/envelope';
import { connectionTo, recordedWorld } from '../recorded-world.ts';

const DRAFT = {
  ...{ rolloutId: 'r1', releaseId: 'camera-1.1.0', epoch: 2, revision: 7, evidenceSha256: 'a'.repeat(64) },
  ...{ now: 1_800_000_000_000, asOf: 1_800_000_000_000, expiresAtMax: 1_800_086_400_000 },
  ...{ haltedSegments: ['rev-a'], haltedRegions: [], excludedDevices: ['d1'] },
};
const RECEIPT = { revision: 8, at: 1_800_000_000_000, rollout: { rolloutId: 'r1', state: 'running', epoch: 2 } };

const world = recordedWorld();
const sent: { readonly path: string; readonly body: string }[] = [];
const server = createServer((request, response) => {
  let body = '';
  request.on('data', (part: Buffer) => {
    body += part.toString();
  });
  request.on('end', () => {
    if (request.method === 'POST') sent.push({ path: request.url ?? '', body });
    response.end(JSON.stringify(request.method === 'POST' ? RECEIPT : DRAFT));
  });
});
const connection = await connectionTo(server);

after(() => {
  server.close();
  world.remove();
});

test('two people sign one after another what holds now, and the second sends it', async () => {
  const place = (name: string) => join(world.folder, name);
  for (const name of ['ada', 'bob']) {
    const made = await world.run('key', 'create', '--group', name, '--out', place(`${name}.key`));
    assert.equal(made.code, 0, made.log);
  }
  const begin = ['--because', 'The keys were stolen', '--reopen', 'all', '--key', place('ada.key')];
  const first = await world.run('rollout', 'sign-resume', 'r1', ...begin, '--out', place('one.json'), ...connection);
  assert.equal(first.code, 0, first.log);
  assert.match(first.output, /^opens again +rev-a *$/m);
  assert.match(first.output, /^because +The keys were stolen *$/m, 'a person reads what the key signs');
  const goOn = ['--resume', place('one.json'), '--key', place('bob.key'), '--key', place('ada.key')];
  const second = await world.run('rollout', 'sign-resume', 'r1', ...goOn, '--out', place('two.json'), ...connection);
  assert.equal(second.code, 0, second.log);
  const envelope = parseEnvelope(readFileSync(place('two.json'), 'utf8').trim());
  assert.ok(envelope.ok);
  assert.equal(envelope.value.signatures.length, 2, 'a second signature by one key replaces its first');
  const resume = parseResumeApproval(envelope.value.payload);
  assert.ok(resume.ok);
  const { counts, segments, revision, expiresAt } = resume.value;
  assert.deepEqual([counts, segments, revision, expiresAt], ['continue', ['rev-a'], 7, DRAFT.expiresAtMax]);

  const other = await world.run(
    'rollout',
    'sign-resume',
    'r2',
    '--resume',
    place('one.json'),
    '--out',
    place('x'),
    ...connection,
  );
  assert.equal(other.code, 2);
  assert.match(other.log, /for r1, not for r2/);
  const resumed = await world.run('rollout', 'resume', 'r1', '--approval', place('two.json'), ...connection);
  assert.equal(resumed.code, 0, resumed.log);
  assert.match(sent.at(-1)?.path ?? '', /\/rollouts\/r1\/resume$/);
  const unclear = await world.run('rollout', 'resume', 'r1', ...connection);
  assert.equal(unclear.code, 2);
});

test('devices are excluded by their ids, a region is halted by its name, and a flag says who spoke', async () => {
  const run = async (...words: readonly string[]) => {
    const ran = await world.run(...words, ...connection);
    assert.equal(ran.code, 0, ran.log);
    const { path, body } = sent.at(-1) ?? { path: '', body: '{}' };
    return [path.split('/r1/')[1], JSON.parse(body)] as const;
  };
  const [exclude, devices] = await run(
    'evidence',
    'exclude',
    'r1',
    '--device',
    'd1,d2',
    '--device',
    'd3',
    '--because',
    'Stolen',
  );
  assert.deepEqual([exclude, devices.deviceIds, devices.reason], ['evidence/exclude', ['d1', 'd2', 'd3'], 'Stolen']);
  const [regions, halt] = await run('rollout', 'halt', 'r1', '--region', 'eu', '--roll-back', '--reason', 'The law');
  assert.deepEqual([regions, halt.region, halt.isRollingBack], ['regions', 'eu', true]);
  const [flags, flag] = await run(
    'rollout',
    'flag',
    'r1',
    '--severity',
    'safety',
    '--because',
    'Brakes',
    '--device',
    'd1',
  );
  assert.deepEqual([flags, flag.severity, flag.deviceId], ['flags', 'safety', 'd1']);
});

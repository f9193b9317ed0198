// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createVerifier } from '@outrider/adapters/shared/ed25519';
import { verifyThreshold } from '@outrider/domain/trust/verify-threshold';
import { parseManifest } from '@outrider/protocol/release/manifest';
import { parseSigningRole } from '@outrider/protocol/trust/anchors';
import { parseEnvelope } from '@outrider/protocol/trust/envelope';
import { recordedWorld } from '../recorded-world.ts';

const world = recordedWorld();
after(() => world.remove());
const file = (name: string): string => join(world.folder, name);
const read = (name: string): string => readFileSync(file(name), 'utf8');
let former = '';
let newer = '';

before(async () => {
  for (const version of ['one', 'two']) {
    mkdirSync(file(version));
    writeFileSync(join(file(version), 'program'), version);
    chmodSync(join(file(version), 'program'), 0o755);
  }
  await world.run('key', 'create', '--group', 'build', '--out', 'build.key.json');
  await world.run('key', 'create', '--group', 'release-engineering', '--out', 'engineering.key.json');
  former = JSON.parse((await world.run('release', 'pack', 'one', '--json')).output).digest;
  newer = JSON.parse((await world.run('release', 'pack', 'two', '--json')).output).digest;
  await create('former.json', ['--version', '1.0.0', '--component', `main:${former}:rev-a,rev-b`, '--first']);
  await create('newer.json', [
    '--version',
    '1.1.0',
    '--component',
    `main:${newer}:rev-a,rev-b`,
    '--former',
    'former.json',
  ]);
});

function create(out: string, flags: readonly string[]): ReturnType<typeof world.run> {
  return world.run('release', 'create', '--device-type', 'camera', '--out', out, ...flags);
}

test('a secret key is readable by its owner alone and is never overwritten', async () => {
  assert.equal(statSync(file('build.key.json')).mode & 0o777, 0o600);
  const secret = read('build.key.json');
  const { code, log } = await world.run('key', 'create', '--group', 'build', '--out', 'build.key.json');
  assert.equal(code, 4);
  assert.match(log, /never overwritten/);
  assert.equal(read('build.key.json'), secret);
});

test('what is printed or handed out of a key holds no secret', async () => {
  const { privateKey } = JSON.parse(read('build.key.json'));
  const { output } = await world.run('key', 'show', 'build.key.json', '--json');
  assert.equal(output, read('build.public.json'));
  assert.equal(output.includes(privateKey), false);
});

test('the same files give the same image, whenever and wherever they are packed', async () => {
  utimesSync(join(file('one'), 'program'), 1, 1);
  const again = await world.run('release', 'pack', 'one', '--artifacts', 'elsewhere', '--json');
  assert.equal(JSON.parse(again.output).digest, former);
  assert.deepEqual(readFileSync(file(`elsewhere/${former}`)), readFileSync(file(`artifacts/${former}`)));
});

test('a release carries its way back: the former image with a higher counter', () => {
  const envelope = parseEnvelope(read('newer.json'));
  assert.ok(envelope.ok);
  const manifest = parseManifest(envelope.value.payload);
  assert.ok(manifest.ok);
  const { releaseCounter, rollbackTwin } = manifest.value;
  assert.equal(rollbackTwin?.version, '1.0.0');
  assert.equal(rollbackTwin?.components[0]?.image.digest, former);
  assert.ok((rollbackTwin?.releaseCounter ?? 0) > releaseCounter && releaseCounter > 1);
});

test('one group alone signs nothing; both together make a release that the role accepts', async () => {
  const role = await world.run(
    'key',
    'role',
    '--key',
    'build.public.json',
    '--key',
    'engineering.public.json',
    '--threshold',
    '2',
    '--out',
    'role.json',
  );
  assert.equal(role.code, 0);
  await world.run('release', 'sign', 'newer.json', '--key', 'build.key.json');
  assert.equal(isAccepted(), false);
  const twice = await world.run('release', 'sign', 'newer.json', '--key', 'build.key.json');
  assert.equal(twice.code, 4);
  assert.match(twice.log, /has signed newer\.json already/);
  await world.run('release', 'sign', 'newer.json', '--key', 'engineering.key.json');
  assert.equal(isAccepted(), true);
});

function isAccepted(): boolean {
  const [envelope, role] = [parseEnvelope(read('newer.json')), parseSigningRole(read('role.json'))];
  assert.ok(envelope.ok && role.ok);
  return verifyThreshold(envelope.value, role.value, createVerifier()).ok;
}

test('a role that nobody could meet is refused', async () => {
  const { code, log } = await world.run(
    'key',
    'role',
    '--key',
    'build.public.json',
    '--threshold',
    '2',
    '--out',
    'lonely.json',
  );
  assert.equal(code, 2);
  assert.match(log, /The threshold is 2 and the keys make up 1 groups \(build\)/);
});

for (const [claim, flags, exit, sentence] of [
  [
    'a release without a way back that does not say it is the first',
    ['--version', '2.0.0', '--component', 'DIGEST'],
    2,
    /names its way back with --former/,
  ],
  [
    'a version that is none',
    ['--version', '2.x', '--component', 'DIGEST', '--first'],
    2,
    /'2\.x' is invalid; allowed is a version after SemVer/,
  ],
  [
    'a component without hardware',
    ['--version', '2.0.0', '--component', 'main', '--first'],
    2,
    /allowed is <name>:<digest/,
  ],
  [
    'an image that was never packed',
    ['--version', '2.0.0', '--component', `main:${'0'.repeat(64)}:rev-a`, '--first'],
    3,
    /There is no image description/,
  ],
  [
    'a former release that is missing',
    ['--version', '2.0.0', '--component', 'DIGEST', '--former', 'gone.json'],
    3,
    /There is no release at gone\.json/,
  ],
  [
    'hardware that would have no way back',
    ['--version', '2.0.0', '--component', 'DIGEST,rev-z', '--former', 'former.json'],
    2,
    /some device would have no way back/,
  ],
] as const) {
  test(`${claim} is refused with a clear sentence`, async () => {
    const ready = flags.map((flag) => flag.replace('DIGEST', `main:${newer}:rev-a`));
    const { code, log } = await create('refused.json', ready);
    assert.equal(code, exit);
    assert.match(log, sentence);
  });
}

test('a floor is signed with a release, goes on with the next one, and says that there is no way back', async () => {
  const floored = await create('floored.json', [
    ...['--version', '1.1.1', '--component', `main:${newer}:rev-a`, '--former', 'former.json'],
    ...['--id', 'camera-floored', '--counter', '4', '--security-floor', '4', '--migration-floor', '2'],
  ]);
  assert.match(floored.output, /floors +security 4, migration 2/);
  assert.match(floored.output, /no way back +devices that have confirmed it refuse the rollback/);
  assert.match(read('floored.json'), /"contentCounter":1/);
  const next = await create('after-floored.json', [
    ...['--version', '1.1.2', '--component', `main:${newer}:rev-a`, '--former', 'floored.json'],
  ]);
  assert.match(next.output, /floors +security 4, migration 2/);
  assert.doesNotMatch(next.output, /no way back/);
});

test('a floor above the release itself is refused', async () => {
  const { code, log } = await create('above.json', [
    ...[
      '--version',
      '1.1.1',
      '--component',
      `main:${newer}:rev-a`,
      '--former',
      'former.json',
      '--security-floor',
      '99',
    ],
  ]);
  assert.equal(code, 2);
  assert.match(log, /The security floor is 99 and the release itself has counter \d+; allowed is at most/);
});

test('a damaged release file says where it is damaged', async () => {
  writeFileSync(file('damaged.json'), '{"payloadType":"x","payload":"","signatures":[]}');
  const { code, log } = await world.run('release', 'sign', 'damaged.json', '--key', 'build.key.json');
  assert.equal(code, 2);
  assert.match(
    log,
    /envelope\.payloadType is malformed: it is x, allowed is application\/vnd\.outrider\.release-manifest\+json/,
  );
});

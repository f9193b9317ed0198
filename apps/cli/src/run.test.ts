// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { recordedWorld } from './recorded-world.ts';
import { VERSION } from './version.ts';

const world = recordedWorld({ childCode: 3 });
after(() => world.remove());

test('the version is that of the package', async () => {
  const manifest = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8'));
  assert.equal(VERSION, manifest.version);
  assert.equal((await world.run('--version')).output.trim(), VERSION);
});

test('help goes to standard output, names the exit codes and is no failure', async () => {
  const { code, output, log } = await world.run('--help');
  assert.equal(code, 0);
  assert.equal(log, '');
  assert.match(output, /Exit codes: 0 ok, 1 failed, 2 usage, 3 not-found, 4 refused, 5 unreachable/);
});

for (const [claim, parameters, sentence] of [
  [
    'an unknown noun',
    ['realease'],
    /^outrider: Unknown command 'realease'; allowed are up, demo, backup, restore, key, ca, terminator, charter, release, /,
  ],
  [
    'an unknown verb',
    ['key', 'mint'],
    /^outrider: Unknown command 'mint'; allowed are create, reference, show, role\. See `outrider key --help`$/,
  ],
  ['no verb at all', ['key'], /^outrider: The command is not complete; allowed are create, reference, show, role/],
  ['an unknown flag', ['status', '--fast'], /^outrider: Unknown option '--fast'; allowed are \[--data <folder>\]/],
  [
    'a flag that is missing',
    ['rollout', 'halt', 'r1'],
    /^outrider: Required option '--reason <text>' not specified; allowed are/,
  ],
  [
    'a port that is none',
    ['up', '--port', '70000'],
    /argument '70000' is invalid; allowed is a whole number, 0 to 65535\. See `outrider up --help`$/,
  ],
  [
    'a time without a unit',
    ['rollout', 'create', '--permit-life', '60'],
    /'60' is invalid; allowed is a number of hours such as 1h or 1\.5h/,
  ],
  [
    'a profile that does not exist',
    ['rollout', 'create', '--profile', 'brave'],
    /'brave' is invalid; allowed choices are careful, standard, fast/,
  ],
  [
    'a rollout without an audience',
    ['rollout', 'create', '--release', 'r', '--device-type', 'd'],
    /The audience must be said: --everyone alone, or at least one of/,
  ],
  [
    'a scope that is none',
    ['pause', 'region', '--reason', 'x'],
    /The scope is "region", allowed are `global` and `region <name>`/,
  ],
] as const) {
  test(`${claim} ends with 2 and one sentence that says what is allowed`, async () => {
    const { code, log, output } = await world.run(...parameters);
    assert.equal(code, 2);
    assert.equal(output, '');
    assert.equal(log.includes('\n'), false);
    assert.match(log, sentence);
  });
}

test('with --json a failure is one JSON object on standard error', async () => {
  const { code, log } = await world.run('status', '--json');
  assert.equal(code, 5);
  assert.equal(JSON.parse(log).error.code, 'unreachable');
});

test('the demonstration gets every flag as it is, and its exit code is ours', async () => {
  const { code, started } = await world.run('demo', '--once', '--json', '--devices', '50', '--help');
  assert.equal(code, 3);
  assert.deepEqual(started, [{ name: 'demonstration', parameters: ['--once', '--json', '--devices', '50', '--help'] }]);
});

test('up starts the server on the data folder and keeps its log there', async () => {
  const { started, log } = await world.run('up', '--data', 'fleet', '--port', '0');
  const data = join(world.folder, 'fleet');
  assert.deepEqual(started, [
    {
      name: 'server',
      parameters: ['--data', data, '--port', '0'],
      logFile: join(data, 'server.log'),
    },
  ]);
  assert.match(log, /admin-token/);
});

test('up takes every flag of the server, and leaves what the configuration file says to it', async () => {
  const data = join(world.folder, 'fleet');
  mkdirSync(data, { recursive: true });
  writeFileSync(join(data, 'outrider.json'), '{"port": 9000, "releaseRoleFile": "role.json"}');
  const plain = await world.run('up', '--data', 'fleet', '--log-to-terminal');
  assert.deepEqual(plain.started[0]?.parameters, ['--data', data]);
  const flags = ['--release-role', 'r.json', '--log-level', 'warn', '--no-metrics', '--log-to-terminal'];
  const { started } = await world.run('up', '--data', 'fleet', ...flags);
  const words = ['--data', data, '--release-role', join(world.folder, 'r.json'), '--log-level', 'warn', '--no-metrics'];
  assert.deepEqual(started[0]?.parameters, words);
  const wrong = await world.run('up', '--data', 'fleet', '--log-level', 'loud');
  assert.equal(wrong.code, 2);
  assert.match(wrong.log, /The flag --log-level is loud, allowed is one of error, warn, info, debug/);
});

test('config show says every setting and where it was said, and never a password', async () => {
  const environment = { DATABASE_URL: 'postgres://fleet:hidden@db/outrider', OUTRIDER_HOST: '0.0.0.0' };
  const here = recordedWorld({ environment });
  writeFileSync(join(here.folder, 'c.json'), '{"dataFolder": "data", "port": 9000}');
  const { code, output, log } = await here.run('config', 'show', '--config', 'c.json');
  assert.equal(code, 0, log);
  assert.match(output, /^databaseUrl +set +DATABASE_URL$/m);
  assert.match(output, /^host +0\.0\.0\.0 +OUTRIDER_HOST$/m);
  assert.match(output, /^port +9000 +.*c\.json$/m);
  assert.match(output, new RegExp(`^dataFolder +${here.folder}/data `, 'm'));
  assert.match(output, /^logLevel +info +default$/m);
  const json = await here.run('config', 'show', '--config', 'c.json', '--json');
  assert.equal(`${output}${log}${json.output}`.includes('hidden'), false);
  writeFileSync(join(here.folder, 'c.json'), '{"databaseUrl": "mysql://fleet:hidden@db/x"}');
  const refused = await world.run('config', 'show', '--config', join(here.folder, 'c.json'));
  assert.equal(refused.code, 2);
  assert.match(refused.log, /"databaseUrl" in .*c\.json is a text of 25 characters, allowed is a URL/);
  here.remove();
});

// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, watch, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { recordedWorld } from './recorded-world.ts';

const root = dirname(dirname(dirname(import.meta.dirname)));
const world = recordedWorld();
const data = join(world.folder, 'data');
const outrider = (line: string, ...texts: string[]): ReturnType<typeof world.run> =>
  world.run(...line.split(' '), ...texts, '--data', 'data');
let server: ChildProcess | undefined;

after(() => {
  server?.kill('SIGTERM');
  world.remove();
});

test('from two keys to a published release and a rollout, on a real server that one Ctrl-C stops', async (t) => {
  await makeKeysAndRole();
  await makeRelease('1.0.0', ['--first']);
  await makeRelease('1.1.0', ['--former', '1.0.0.json']);
  server = await startServer();

  assert.match((await outrider('release publish 1.0.0.json')).log, /needed are 2 of the groups build, engineering/);
  for (const version of ['1.0.0', '1.1.0']) {
    for (const group of ['build', 'engineering'])
      await world.run('release', 'sign', `${version}.json`, '--key', `${group}.key.json`);
    const published = await outrider(`release publish ${version}.json`);
    assert.equal(published.code, 0, published.log);
    assert.match(published.log, /The server has no repositories, .*found them with `outrider trust init`/);
  }
  assert.match((await outrider('release list')).output, /^camera-1\.1\.0 +camera +1\.1\.0 +2 +1\.0\.0 /m);
  assert.match((await outrider('release show camera-1.1.0')).output, /^delta from +to +bytes$/m);

  await outrider('rollout create --id r1 --release camera-1.1.0 --device-type camera --everyone');
  const created = JSON.parse((await outrider('rollout show r1 --json')).output).rollout.plan;
  assert.equal(created.gates.metrics[0].baseRate, 0.001, 'the first rollout of a fleet starts from the stated rates');
  const unfounded = await outrider('rollout approve r1 --overrule base-rate-lax --because', 'the rates are right');
  assert.deepEqual([unfounded.code, unfounded.log.includes('was not made about this plan')], [4, true]);
  assert.match((await outrider('rollout approve r1 --author ada')).output, /^state +approved$/m);
  assert.equal((await outrider('rollout limit r1 --devices 5 --reason', 'few are in')).code, 0);
  assert.match((await outrider('rollout show r1')).output, /^ceiling +5$/m);
  assert.equal((await outrider('rollout limit r1 --devices none --reason', 'all are back')).code, 0);
  await approversSign();
  const early = await outrider('rollout resume r1 --reason', 'too early');
  assert.deepEqual([early.code, early.log.includes('approved')], [4, true]);
  const stale = await outrider('rollout cancel r1 --expected-revision 1 --reason', 'from an old page');
  assert.deepEqual([stale.code, stale.log.includes('revision')], [4, true]);
  assert.match((await outrider('pause global --reason', 'a drill')).output, /^open permits +0$/m);
  assert.match((await outrider('status')).output, /^paused +global$/m);
  assert.equal((await outrider('rollout show r2')).code, 3);
  assert.equal((await outrider('device show camera-9')).code, 3);

  await assertAudited();
  const skip = hasPseudoTerminals()
    ? false
    : 'this machine has no `script` of util-linux, which opens a pseudo-terminal';
  await t.test('an import at a terminal draws a bar that is gone when it ends', { skip }, assertBarAtTerminal);

  // One Ctrl-C: from the terminal, and a moment later from the launcher.
  server.kill('SIGINT');
  server.kill('SIGINT');
  assert.deepEqual(await once(server, 'exit'), [0, null]);
  assert.equal((await outrider('status')).code, 5);
});

/** A real pseudo-terminal: what a person would see, byte by byte. */
async function assertBarAtTerminal(): Promise<void> {
  const lines = Array.from({ length: 3_000 }, (_, index) => `cam-${index},camera,m1,rev-a,north,acme,tel`);
  writeFileSync(
    join(world.folder, 'fleet.csv'),
    ['deviceId,deviceType,model,hardwareId,region,customer,carrier', ...lines].join('\n'),
  );
  const command = `"${process.execPath}" "${join(import.meta.dirname, 'main.ts')}" device import fleet.csv --data data`;
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    cwd: world.folder,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, OUTRIDER_ROOT: root, INIT_CWD: world.folder },
  });
  let seen = '';
  child.stdout.on('data', (part) => {
    seen += part;
  });
  const [code] = await once(child, 'close');
  assert.equal(code, 0, seen);
  const drawn = seen.split('\r\x1b[K');
  assert.match(drawn.at(-2) ?? '', /^\[#{30}\] 100 % of \d+ bytes$/, 'the bar is full before it is taken away');
  assert.match(drawn.at(-1) ?? '', /^lines +3000\r?\n/, 'what follows begins at the left');
}

function hasPseudoTerminals(): boolean {
  const { status, stdout } = spawnSync('script', ['--version'], { encoding: 'utf8' });
  return status === 0 && stdout.includes('util-linux');
}

/** All of the above is in the audit log; the head of one verification lies in the chain of the next. */
async function assertAudited(): Promise<void> {
  const listed = await outrider('audit list --limit 1000');
  for (const line of [
    /^ *1 +\S+ +server +audit-begun +installation /m,
    /^ *\d+ +\S+ +server +token-in-force +admin-token /m,
    /^ *\d+ +\S+ +server +role-in-force +release-role /m,
    /^ *\d+ +\S+ +\S+ +release-published +camera-1\.1\.0 /m,
    /^ *\d+ +\S+ +ada +rollout-approve +r1 /m,
    /^ *\d+ +\S+ +\S+ +scope-paused +global .*a drill$/m,
  ]) {
    assert.match(listed.output, line);
  }
  assert.match((await outrider('audit list --actor ada --since 2000-01-01')).output, /^ *\d+ .*rollout-approve/m);
  const verified = await outrider('audit verify --json');
  assert.equal(verified.code, 0, `${verified.output}${verified.log}`);
  const { head, broughtIn, compared } = JSON.parse(verified.output);
  assert.deepEqual([broughtIn, compared.release], [0, 2]);
  assert.equal((await outrider('resume global --reason', 'the drill is over')).code, 0);
  assert.equal((await outrider(`audit verify --head ${head.digest}`)).code, 0);
  assert.equal((await outrider(`audit verify --head ${'a'.repeat(64)}`)).code, 1);
  assert.equal((await outrider('audit verify --head 12')).code, 2);
}

/** Two approvers, one after the other, over one file; the rollout has not started, which the server says last of all. */
async function approversSign(): Promise<void> {
  const early = await outrider('rollout complete r1 --key build.key.json --reason', 'all seen');
  assert.deepEqual([early.code, early.log.includes('approver-role.json')], [4, true]);
  const keys = '--key build.public.json --key engineering.public.json';
  assert.equal((await outrider(`key role --threshold 2 ${keys} --out data/approver-role.json`)).code, 0);
  const begun = await outrider('rollout complete r1 --key build.key.json --out approval.json --reason', 'all seen');
  assert.equal(begun.code, 0, begun.log);
  const one = await outrider('rollout complete r1 --approval approval.json');
  assert.deepEqual([one.code, one.log.includes('needed are 2 of the groups')], [4, true]);
  const both = await outrider('rollout complete r1 --approval approval.json --key engineering.key.json');
  assert.deepEqual([both.code, both.log.includes('approved cannot take the event complete')], [4, true], both.log);
}

async function makeKeysAndRole(): Promise<void> {
  for (const group of ['build', 'engineering']) {
    await world.run('key', 'create', '--group', group, '--out', `${group}.key.json`);
  }
  mkdirSync(data, { mode: 0o700 });
  const role = await outrider('key role --threshold 2 --key build.public.json --key engineering.public.json');
  assert.equal(role.code, 0, role.log);
}

async function makeRelease(version: string, wayBack: readonly string[]): Promise<void> {
  mkdirSync(join(world.folder, version));
  writeFileSync(join(world.folder, version, 'program'), `version ${version}\n`.repeat(1_000));
  const { digest } = JSON.parse((await world.run('release', 'pack', version, '--json')).output);
  const made = await world.run(
    ...['release', 'create', '--device-type', 'camera', '--version', version, '--out', `${version}.json`],
    ...['--component', `main:${digest}:rev-a,rev-b`, ...wayBack],
  );
  assert.equal(made.code, 0, made.log);
}

/** The command itself as a process, since it hands signals on; ready when the server wrote where it is. */
async function startServer(): Promise<ChildProcess> {
  const watching = watch(data);
  const main = join(import.meta.dirname, 'main.ts');
  const child = spawn(process.execPath, [main, 'up', '--data', data, '--port', '0'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, OUTRIDER_ROOT: root },
  });
  const exited = once(child, 'exit').then(([code]) => assert.fail(`The server ended with ${code} before it was ready`));
  const isReady = (): boolean => existsSync(join(data, 'server.json'));
  while (!isReady()) await Promise.race([once(watching, 'change'), exited]);
  watching.close();
  exited.catch(() => undefined);
  return child;
}

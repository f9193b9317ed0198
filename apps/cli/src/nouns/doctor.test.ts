// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, readdir, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as elapse } from 'node:timers/promises';
import { removeEmbeddedPostgres } from '@outrider/adapters/server/embedded-postgres';
import { inspectEmbeddedPostgres } from '@outrider/adapters/server/embedded-postgres/inspect';
import { stopProcess } from '@outrider/adapters/server/embedded-postgres/postmaster';
import { execute } from '@outrider/adapters/server/postgres/postgres-for-tests';
import { findProgram } from '../programs.ts';
import { recordedWorld } from '../recorded-world.ts';
import type { Finding } from './doctor/finding.ts';

const world = recordedWorld({ environment: { OUTRIDER_PORT: '0' } });
const data = join(world.folder, 'data');
let server: ChildProcess | undefined;

before(async () => {
  server = await startServer();
});

after(async () => {
  server?.kill('SIGKILL');
  await removeEmbeddedPostgres(data);
  world.remove();
});

async function startServer(): Promise<ChildProcess> {
  const child = spawn(process.execPath, [findProgram('server'), '--data', data, '--port', '0'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (part) => {
    said += part;
  });
  const line = await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
  assert.match(String(line[0]), /Outrider is ready/, said);
  return child;
}

interface Examined {
  readonly code: number;
  readonly text: string;
  readonly of: (check: Finding['check']) => Finding;
  readonly bad: string;
}

async function examine(...flags: readonly string[]): Promise<Examined> {
  const words = flags.includes('--data') ? flags : ['--data', data, ...flags];
  const { code, output, log } = await world.run('doctor', '--json', ...words);
  assert.notEqual(output, '', log);
  // What the command promises to print.
  const { checks } = JSON.parse(output) as { readonly checks: readonly Finding[] };
  const bad = checks.filter(({ state }) => state !== 'ok');
  return {
    code,
    text: output,
    of: (check) => checks.find((one) => one.check === check) ?? assert.fail(`There is no check ${check}: ${output}`),
    bad: bad.map(({ check, state }) => `${check}:${state}`).join(' '),
  };
}

/** What a healthy installation without a role, repositories and a backup has to be told. */
const HEALTHY = 'release-role:warn trust:warn backup:warn';

test('a running installation is found healthy, with its database, its port and its snapshot', async () => {
  const { code, bad, of, text } = await examine();
  assert.equal(bad, HEALTHY, text);
  assert.equal(code, 0);
  assert.match(of('database').seen, /^PostgreSQL 18\..* at 127\.0\.0\.1:\d+$/);
  assert.match(of('server').seen, new RegExp(`^Ready at http://127\\.0\\.0\\.1:\\d+, process ${server?.pid}$`));
  assert.match(of('snapshot').seen, /^Read \d+ ms ago/);
  const page = await world.run('doctor', '--data', data);
  assert.match(page.output, /^warn +release-role +There is none at /m);
  assert.match(page.output, /^release-role: Make it with `outrider trust init`/m);
  assert.match(page.output, /^0 wrong, 3 to look at$/m);
});

test('nothing is changed by looking, in an installation or where there is none', async () => {
  const before = await readdir(data);
  await examine();
  assert.deepEqual(await readdir(data), before);
  const empty = join(world.folder, 'none', 'yet');
  const { code, bad } = await examine('--data', empty);
  assert.equal(bad, 'release-role:warn trust:warn');
  assert.equal(code, 0);
  await assert.rejects(readdir(join(world.folder, 'none')));
});

test('no token, key or password is printed', async () => {
  const secrets = await Promise.all(
    ['admin-token', 'registration-token', 'permit-key.json', 'postgres.json'].map((name) =>
      readFile(join(data, name), 'utf8'),
    ),
  );
  const words = secrets.flatMap((secret) => secret.match(/[\w+/=-]{20,}/g) ?? []);
  assert.ok(words.length >= 4);
  const { text, of } = await examine();
  const keyId = of('permit-key').seen.replace('Key ', '');
  for (const word of words) if (word !== keyId) assert.equal(text.includes(word), false, 'a secret in the output');
});

for (const [claim, check, plant] of [
  ['an admin token that others may read', 'admin-token', () => chmod(join(data, 'admin-token'), 0o644)],
  ['a registration token that could be guessed', 'registration-token', () => replace('registration-token', 'short')],
  ['a permit key that is damaged', 'permit-key', () => replace('permit-key.json', '{"schema":1}')],
  ['a permit key that is gone', 'permit-key', () => unlink(join(data, 'permit-key.json'))],
  ['a release role that is malformed', 'release-role', () => replace('release-role.json', '{}')],
  ['a data folder that others may write', 'data-rights', () => chmod(data, 0o777)],
  ['a restore that was cut', 'restore', () => replace('restore-unfinished.json', '{}')],
  ['settings that no server would start with', 'settings', () => replace('outrider.json', '{"prot": 1}')],
] as const) {
  test(`${claim} is seen and ends with 1`, async () => {
    const kept = join(world.folder, 'kept');
    await cp(data, kept, { recursive: true, filter: (path) => !path.includes('clusters') });
    await plant();
    const { code, of, text } = await examine();
    await restoreFrom(kept);
    assert.equal(of(check).state, 'wrong', text);
    assert.ok(of(check).mend);
    assert.equal(code, 1);
    assert.equal((await examine()).bad, HEALTHY, 'all is well once it is mended');
  });
}

async function replace(name: string, content: string): Promise<void> {
  await writeFile(join(data, name), content, { mode: 0o600 });
}

/** Puts the small files back as they were, with their rights. */
async function restoreFrom(kept: string): Promise<void> {
  await chmod(data, 0o700);
  const names = await readdir(kept);
  for (const name of await readdir(data))
    if (!names.includes(name) && name.endsWith('.json')) await rm(join(data, name));
  for (const name of names.filter((one) => /token|\.json/.test(one))) {
    await cp(join(kept, name), join(data, name), { force: true });
    await chmod(join(data, name), 0o600);
  }
  await rm(kept, { recursive: true });
}

test('a data folder that is a file is one wrong check, not a failure of the command', async () => {
  const path = join(world.folder, 'file');
  await writeFile(path, '');
  const { code, of } = await examine('--data', path);
  assert.equal(of('data-folder').state, 'wrong');
  assert.equal(code, 1);
});

test('a port that another program or another server has is told apart', async () => {
  const other = createServer((_, response) => response.end('hello')).listen(0, '127.0.0.1');
  await once(other, 'listening');
  // A TCP server has an address of this kind once it listens.
  const { port } = other.address() as AddressInfo;
  const config = join(world.folder, 'port.json');
  const here = recordedWorld();
  async function seenAt(settings: object, folder: string): Promise<string> {
    await writeFile(config, JSON.stringify(settings));
    const { output } = await here.run('doctor', '--json', '--config', config, '--data', folder);
    return JSON.parse(output).checks.find((one: Finding) => one.check === 'port').seen;
  }
  const elsewhere = join(world.folder, 'elsewhere');
  assert.match(await seenAt({ port }, elsewhere), /is taken by another program/);
  const own = Number(new URL(JSON.parse(await readFile(join(data, 'server.json'), 'utf8')).url).port);
  assert.match(await seenAt({ port: own }, elsewhere), /is taken by another Outrider server/);
  assert.match(await seenAt({ port: own }, data), /is this server's/);
  assert.match(await seenAt({ port: 9, host: '203.0.113.7' }, elsewhere), /cannot be opened \(EADDRNOTAVAIL\)/);
  other.close();
  here.remove();
});

test("a database of one's own is looked at: gone, wrong password, a newer schema", async () => {
  const facts = await inspectEmbeddedPostgres(data);
  assert.ok(facts.kind === 'found' && facts.lock !== undefined);
  const { user, password, port, database } = facts.lock.connection;
  const seenWith = async (url: string) => {
    const here = recordedWorld({ environment: { DATABASE_URL: url, OUTRIDER_PORT: '0' } });
    const { code, output } = await here.run('doctor', '--json', '--data', 'new');
    here.remove();
    assert.equal(/hidden-password/.test(output) || output.includes(password), false);
    const checks: readonly Finding[] = JSON.parse(output).checks;
    return { code, of: (check: string) => checks.find((one) => one.check === check) };
  };
  const away = await seenWith(`postgres://${user}:hidden-password@127.0.0.1:1/${database}`);
  assert.match(String(away.of('database')?.seen), /cannot be reached \(ECONNREFUSED\)/);
  assert.equal(away.code, 1);
  const refused = await seenWith(`postgres://${user}:hidden-password@127.0.0.1:${port}/${database}`);
  assert.match(String(refused.of('database')?.seen), /refuses user "outrider" \(wrong password\)/);
  const url = `postgres://${user}:${password}@127.0.0.1:${port}`;
  await execute(facts.lock.connection, 'create database newer');
  const newer = { ...facts.lock.connection, database: 'newer' };
  await execute(newer, 'create table schema_migration (version integer, at timestamptz, compatible_from integer)');
  await execute(newer, 'insert into schema_migration values (999, now(), 999)');
  const found = await seenWith(`${url}/newer`);
  assert.match(String(found.of('database-schema')?.seen), /^schema 999, this program knows \d+$/);
  assert.equal(found.code, 1);
});

test('a server that was killed leaves an address nobody answers at, and its database is still found', async () => {
  assert.ok(server !== undefined);
  server.kill('SIGKILL');
  await once(server, 'exit');
  const { code, of, bad } = await examine();
  assert.match(of('server').seen, /nobody answers there/);
  assert.match(of('database').seen, /^PostgreSQL 18|^Killed|^Stopped/);
  assert.equal(bad, `release-role:warn trust:warn server:warn backup:warn`);
  assert.equal(code, 0);
});

test('a PostgreSQL that was killed, one whose place is forgotten and one that is gone are told apart', async () => {
  const facts = await inspectEmbeddedPostgres(data);
  assert.ok(facts.kind === 'found' && facts.lock !== undefined);
  process.kill(facts.lock.pid, 'SIGKILL');
  for (let tries = 0; !/^Killed/.test((await examine()).of('database').seen); tries++) {
    assert.ok(tries < 50, 'the death of PostgreSQL is seen');
    await elapse(50);
  }
  await stopProcess(facts.lock.pid);
  const pointer = join(data, 'postgres.json');
  const text = await readFile(pointer, 'utf8');
  await replace('postgres.json', '{');
  assert.equal((await examine()).of('database').state, 'wrong');
  await replace('postgres.json', text);
  const away = `${facts.home}-away`;
  await rename(facts.home, away);
  assert.match((await examine()).of('database').seen, /is gone/);
  await mkdir(facts.home);
  await rm(facts.home, { recursive: true });
  await rename(away, facts.home);
  const copy = join(world.folder, 'copy');
  await cp(data, copy, { recursive: true });
  const copied = await examine('--data', copy);
  assert.notEqual(copied.of('database').state, 'ok', copied.text);
});

// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { after, test } from 'node:test';
import { findPostgresPackage, placeBinaries, restoreSymlinks } from './embedded-postgres/binaries.ts';
import { loadPointer } from './embedded-postgres/cluster.ts';
import { type EmbeddedPostgres, removeEmbeddedPostgres, startEmbeddedPostgres } from './embedded-postgres.ts';
import { execute } from './postgres/postgres-for-tests.ts';

const root = await mkdtemp(join(tmpdir(), 'outrider-embedded-'));
const dataFolder = join(root, 'data');
after(async () => {
  for (const name of await readdir(root)) await removeEmbeddedPostgres(join(root, name));
  await rm(root, { recursive: true });
});

test('what was stored is there after a stop and after kill -9, and a second server on the same data is refused', async () => {
  const first = await start(dataFolder);
  await execute(first.connection, 'create table fact (number integer)');
  await execute(first.connection, 'insert into fact values (1)');
  await assert.rejects(start(dataFolder), { code: 'data-folder-in-use' });
  await first.stop();

  const second = await start(dataFolder);
  await execute(second.connection, 'insert into fact values (2)');
  process.kill(second.pid, 'SIGKILL');
  assert.match((await second.killed).reason, /SIGKILL/);

  const third = await start(dataFolder);
  assert.deepEqual(await execute(third.connection, 'select number from fact order by number'), [
    { number: 1 },
    { number: 2 },
  ]);
  await third.stop();
});

test('a lock file whose process id belongs to another program after a reboot does not hinder the start', async () => {
  const home = await homeOf(dataFolder);
  await writeFile(
    join(home, 'data', 'postmaster.pid'),
    `${process.pid}\n${home}/data\n0\n1\n\n127.0.0.1\n0 0\nready\n`,
  );
  const postgres = await start(dataFolder);
  await postgres.stop();
});

test('the password is in no file that others can read, and the database is on the loopback interface alone', async () => {
  const postgres = await start(dataFolder);
  const { mode } = await stat(join(dataFolder, 'postgres.json'));
  assert.equal(mode & 0o077, 0);
  assert.equal(postgres.connection.host, '127.0.0.1');
  const [listens] = await execute(
    postgres.connection,
    `select setting from pg_settings where name = 'listen_addresses'`,
  );
  assert.deepEqual(listens, { setting: '127.0.0.1' });
  const durable = `select name, setting from pg_settings where name in ('fsync', 'synchronous_commit', 'full_page_writes')`;
  for (const setting of await execute(postgres.connection, durable)) {
    assert.ok(typeof setting === 'object' && setting !== null && 'setting' in setting);
    assert.equal(setting.setting, 'on');
  }
  await assert.rejects(execute({ ...postgres.connection, password: 'a guess' }, 'select 1'), /password/);
  await postgres.stop();
});

test('a copy of a data folder never shares the database of the first', async () => {
  const copy = join(root, 'copy');
  await cp(dataFolder, copy, { recursive: true });
  if (process.getuid?.() === 0) {
    // The cluster lies outside, where the system user can reach it: there is one, and it is the first's.
    await assert.rejects(start(copy), { code: 'cluster-belongs-elsewhere' });
    await rm(copy, { recursive: true });
    return;
  }
  const [first, second] = [await start(dataFolder), await start(copy)];
  await execute(second.connection, 'insert into fact values (3)');
  assert.equal((await execute(first.connection, 'select from fact')).length, 2);
  await first.stop();
  await second.stop();
});

test('a data folder may be moved with its database', async () => {
  const moved = join(root, 'moved');
  await rename(dataFolder, moved);
  const postgres = await start(moved);
  assert.equal((await execute(postgres.connection, 'select from fact')).length, 2);
  await postgres.stop();
});

test('a data folder whose database is gone is refused, not silently begun anew', async () => {
  const folder = join(root, 'gone');
  await mkdir(folder);
  await writeFile(
    join(folder, 'postgres.json'),
    JSON.stringify({ schema: 1, home: join(root, 'nowhere'), password: 'x' }),
  );
  await assert.rejects(start(folder), { code: 'folder-unusable' });
  await rm(folder, { recursive: true });
});

test('the database of a temporary data folder that is gone is removed by a later start, running or not', async () => {
  const forgotten = join(root, 'forgotten');
  const running = await start(forgotten);
  const home = await homeOf(forgotten);
  // Of an ordinary user the cluster lies in the folder itself and goes with it.
  if (process.getuid?.() !== 0) await running.stop();
  await rm(forgotten, { recursive: true, force: true });
  await (await start(join(root, 'later'))).stop();
  await assert.rejects(stat(home), { code: 'ENOENT' });
});

test('the libraries find each other where npm ran no install scripts', async () => {
  const found = await findPostgresPackage();
  const placed = await placeBinaries(found, join(root, 'binaries'));
  const links = join(placed, 'lib');
  const before = await readdir(links);
  for (const name of before) if (await isLink(join(links, name))) await rm(join(links, name));
  await restoreSymlinks(placed);
  await restoreSymlinks(placed);
  assert.deepEqual((await readdir(links)).toSorted(), before.toSorted());
  await readFile(join(links, 'libpq.so.5')).catch(async () => await readFile(join(links, 'libpq.5.dylib')));
});

async function start(folder: string): Promise<EmbeddedPostgres> {
  return await startEmbeddedPostgres({ dataFolder: folder, log: () => {} });
}

async function homeOf(folder: string): Promise<string> {
  const cluster = await loadPointer(folder);
  assert.ok(cluster !== undefined);
  return cluster.home;
}

async function isLink(path: string): Promise<boolean> {
  return (await readdir(join(path, '..'), { withFileTypes: true })).some(
    (entry) => entry.isSymbolicLink() && path.endsWith(`/${entry.name}`),
  );
}

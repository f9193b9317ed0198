// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { after, test } from 'node:test';
import { makeDataFolder } from '@outrider/adapters/server/backup/installation-for-tests';
import { removeEmbeddedPostgres, startEmbeddedPostgres } from '@outrider/adapters/server/embedded-postgres';
import { execute } from '@outrider/adapters/server/postgres/postgres-for-tests';
import { openPostgresStore } from '@outrider/adapters/server/postgres/store';
import { delay } from '@outrider/adapters/shared/delay';
import { fillStore } from '@outrider/testkit/contracts/store-content';
import { recordedWorld } from '../recorded-world.ts';

const folder = await mkdtemp(join(tmpdir(), 'outrider-cli-backup-'));
const installation = join(folder, 'installation');
const world = recordedWorld();
after(async () => {
  world.remove();
  for (const name of await readdir(folder)) await removeEmbeddedPostgres(join(folder, name)).catch(() => {});
  await rm(folder, { recursive: true });
});

/** Large enough that a kill can hit the middle of it. */
const REPORTS = 20_000;

await makeDataFolder(installation);
const postgres = await startEmbeddedPostgres({ dataFolder: installation, log: () => {} });
const store = await openPostgresStore({ connection: postgres.connection });
await fillStore(store);
await store.close();
await execute(
  postgres.connection,
  `insert into report (device_id, sequence, rollout_id, received_at, report, signed_body, signature)
   select 'many-' || n, n, 'other', n, '{}',
     (select string_agg(md5(n || '.' || part), '') from generate_series(1, 12) part), md5(n::text)
   from generate_series(1, ${REPORTS}) n`,
);
await postgres.stop();

test('a stopped installation is backed up and restored on the command line, and each output says what to know', async () => {
  const file = join(folder, 'one.backup');
  const made = await world.run('backup', file, '--data', installation);
  assert.equal(made.code, 0, made.log);
  assert.match(made.output, /^devices +12$/m);
  assert.match(made.output, /^holds +the permit key and the registration token/m);
  const checked = await world.run('restore', file, '--check', '--json');
  assert.equal(JSON.parse(checked.output).rows.report, REPORTS + 5);

  const target = join(folder, 'restored');
  const restored = await world.run('restore', file, '--data', target);
  assert.equal(restored.code, 0, restored.log);
  // A million, and one for each millisecond since the backup: on a slow machine these are thousands.
  assert.match(restored.output, /^now at +revision 1\d{6}: above all/m);
  assert.match(restored.output, /^paused +everything, rollbacks too, until `outrider resume global/m);
  assert.equal(await countReports(target), REPORTS + 5);
});

test('the audit log of a backup is verified without a server, and a restore is an entry that goes on from its head', async () => {
  const file = join(folder, 'audited.backup');
  assert.equal((await world.run('backup', file, '--data', installation)).code, 0);
  const verified = await world.run('audit', 'verify', '--from-backup', file, '--json');
  assert.equal(verified.code, 0, `${verified.output}${verified.log}`);
  const { entries, head, faultCount, compared } = JSON.parse(verified.output);
  assert.deepEqual([faultCount, compared.release, compared.withdrawal], [0, 2, 1]);
  assert.ok(compared['policy-entry'] > 5 && entries > 8);

  const target = join(folder, 'audited');
  assert.equal((await world.run('restore', file, '--data', target)).code, 0);
  const second = join(folder, 'audited-2.backup');
  assert.equal((await world.run('backup', second, '--data', target)).code, 0);
  const onward = await world.run('audit', 'verify', '--from-backup', second, '--head', head.digest, '--json');
  assert.equal(onward.code, 0, `${onward.output}${onward.log}`);
  assert.equal(JSON.parse(onward.output).entries, entries + 1, 'the restore');

  // The other way round: the older backup does not have the newer head.
  const later = JSON.parse(onward.output).head.digest;
  const cut = await world.run('audit', 'verify', '--from-backup', file, '--head', later);
  assert.equal(cut.code, 1);
  assert.match(cut.output, /nowhere in the chain.*\[head-not-in-chain\]$/m);
  assert.match(cut.log, /^outrider: The audit log is not the one that was written: one fault/);
});

test('what cannot be done is one sentence and an exit code of its own', async () => {
  const file = join(folder, 'two.backup');
  assert.equal((await world.run('backup', file, '--data', installation)).code, 0);
  for (const [code, exit, parameters] of [
    ['backup-exists', 4, ['backup', file, '--data', installation]],
    ['folder-unusable', 1, ['backup', join(folder, 'x.backup'), '--data', join(folder, 'nowhere')]],
    ['backup-unusable', 1, ['backup', join(folder, 'no', 'folder.backup'), '--data', installation]],
    ['folder-not-empty', 4, ['restore', file, '--data', installation]],
    ['backup-unusable', 1, ['restore', join(folder, 'nowhere.backup'), '--data', join(folder, 'y')]],
    ['usage', 2, ['restore', file]],
  ] as const) {
    const ran = await world.run(...parameters, '--json');
    assert.equal(ran.code, exit, `${parameters.join(' ')}: ${ran.log}`);
    const { error } = JSON.parse(ran.log);
    assert.equal(error.code, code);
    assert.doesNotMatch(error.message, /\n/);
  }
});

test('a backup that is killed at any time leaves no file under its name', async () => {
  const file = join(folder, 'killed.backup');
  let caught = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const child = start('backup', file, '--data', installation);
    // From a moment in which nothing was written to one in which almost all is.
    await untilPartial(child, (round / ROUNDS) * BACKUP_BYTES);
    await kill(child);
    if (await isThere(file)) await rm(file);
    else caught++;
    for (const name of await partials()) await rm(join(folder, name));
  }
  assert.ok(caught >= ROUNDS / 2, `${caught} of ${ROUNDS} were killed before their end`);
  const made = await world.run('backup', file, '--data', installation);
  assert.equal(made.code, 0, made.log);
  assert.equal((await world.run('restore', file, '--check')).code, 0);
});

test('a restore that is killed at any time leaves a folder on which no server starts, and may be begun anew', async () => {
  const file = join(folder, 'killed.backup');
  const target = join(folder, 'cut');
  let caught = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const child = start('restore', file, '--data', target);
    // From its first byte on, over the start of PostgreSQL, into the load and past it.
    while (child.exitCode === null && !(await isThere(join(target, MARK)))) await delay(1);
    await delay(round * 400);
    await kill(child);
    if (await isThere(join(target, MARK))) {
      caught++;
      const server = spawn(process.execPath, [SERVER, '--data', target, '--port', '0'], { stdio: 'ignore' });
      assert.deepEqual(await once(server, 'exit'), [33, null], 'the server refuses an unfinished restore');
      continue;
    }
    // Nothing was written yet, or all of it was.
    if (!(await isThere(join(target, 'permit-key.json')))) continue;
    assert.equal(await countReports(target), REPORTS + 5);
    await removeEmbeddedPostgres(target);
    await rm(target, { recursive: true });
  }
  assert.ok(caught > 0, 'no kill met a restore at work');
  const restored = await world.run('restore', file, '--data', target);
  assert.equal(restored.code, 0, restored.log);
  assert.equal(await countReports(target), REPORTS + 5);
});

test('Ctrl-C ends a backup and a restore cleanly', async () => {
  const interrupted = recordedWorld({ interruption: AbortSignal.abort() });
  const file = join(folder, 'interrupted.backup');
  const backup = await interrupted.run('backup', file, '--data', installation);
  assert.match(backup.log, /interrupted: nothing of it was kept/);
  const restore = await interrupted.run('restore', join(folder, 'killed.backup'), '--data', join(folder, 'never'));
  assert.match(restore.log, /interrupted: nothing of it was kept/);
  interrupted.remove();
  assert.deepEqual(await partials(), []);
  assert.equal(await isThere(join(folder, 'never')), false);
});

const ROUNDS = 6;
const MARK = 'restore-unfinished.json';
/** About what the file has in the end: hexadecimal digits compress to a little more than half. */
const BACKUP_BYTES = 4_700_000;
const ROOT = join(import.meta.dirname, '..', '..', '..', '..');
const SERVER = join(ROOT, 'apps/server/src/main.ts');

function start(...parameters: string[]): ChildProcess {
  return spawn(process.execPath, [join(ROOT, 'apps/cli/src/main.ts'), ...parameters], { stdio: 'ignore' });
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

async function partials(): Promise<readonly string[]> {
  return (await readdir(folder)).filter((name) => name.endsWith('.partial'));
}

/** Until the half-written file has so many bytes, or the child has ended. */
async function untilPartial(child: ChildProcess, bytes: number): Promise<void> {
  while (child.exitCode === null) {
    for (const partial of await partials()) if (await isAtLeast(join(folder, partial), bytes)) return;
    await delay(1);
  }
}

async function isAtLeast(path: string, bytes: number): Promise<boolean> {
  try {
    return (await stat(path)).size >= bytes;
  } catch {
    // It got its name between the two looks.
    return true;
  }
}

async function isThere(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}

async function countReports(dataFolder: string): Promise<number> {
  const started = await startEmbeddedPostgres({ dataFolder, log: () => {} });
  const [row] = await execute(started.connection, 'select count(*)::integer as count from report');
  await started.stop();
  assert.ok(typeof row === 'object' && row !== null && 'count' in row);
  return Number(row.count);
}

// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fleetInstant } from '@outrider/domain/kernel/time';
import { RESTORE_REVISIONS } from '@outrider/domain/policy/restore';
import { fillStore, readStore } from '@outrider/testkit/contracts/store-content';
import {
  append,
  appendEvent,
  codesOf,
  epochOf,
  exposureOf,
  proposal,
  ROLLOUT,
  revisionOf,
  signedReport,
  startRollout,
} from '@outrider/testkit/contracts/store-fixtures';
import { useStore } from '@outrider/testkit/contracts/use-store';
import { createSmallDisk } from '@outrider/testkit/small-disk';
import { digestText } from '../../shared/digest.ts';
import type { PostgresConnection } from '../postgres/connection.ts';
import { MIGRATIONS } from '../postgres/migrations.ts';
import { execute, startPostgresForTests } from '../postgres/postgres-for-tests.ts';
import { migrate } from '../postgres/schema.ts';
import { openPostgresStore } from '../postgres/store.ts';
import { useCopySession } from '../postgres/table-copy.ts';
import { type ArchiveWriter, writeArchive } from './archive.ts';
import type { BackupErrorCode } from './errors.ts';
import { backUpInstallation, restoreInstallation } from './installation.ts';
import { blobPath, makeDataFolder, NAMED_BLOBS, UNNAMED_BLOB } from './installation-for-tests.ts';
import { encodeBackupManifest } from './manifest.ts';

const server = await startPostgresForTests();
const folder = await mkdtemp(join(tmpdir(), 'outrider-backup-'));
after(async () => {
  await server.remove();
  await rm(folder, { recursive: true });
});

const NOW = fleetInstant(1_800_000_600_000);
const source = { dataFolder: join(folder, 'source'), connection: await server.createDatabase() };
await makeDataFolder(source.dataFolder);
await useStore(() => openPostgresStore({ connection: source.connection }), fillStore);
const whole = join(folder, 'whole.backup');
const { manifest } = await backUp(whole);
const LATER_MS = 60_000;
let count = 0;

test('a restored installation holds everything that was backed up, paused, and goes on when a person resumes', async () => {
  const target = await emptyTarget();
  const { entry } = await restore(whole, target);
  await useStore(
    () => openPostgresStore({ connection: target.connection }),
    async (restored) => {
      await useStore(
        () => openPostgresStore({ connection: source.connection }),
        async (original) => {
          const [{ policy: seen, ...rest }, { policy: made, ...others }] = [
            await readStore(restored),
            await readStore(original),
          ];
          assert.deepEqual(rest, others);
          assert.deepEqual(seen, [...asList(made), entry]);
          assert.equal(entry.revision, manifest.revision + RESTORE_REVISIONS + 1);
        },
      );
      const epoch = epochOf(1 + RESTORE_REVISIONS);
      const before = await restored.ledger.commitPermits([proposal(1), proposal(20), proposal(21, { epoch })]);
      assert.deepEqual(codesOf(before), ['epoch-moved', 'epoch-moved', 'scope-paused']);
      await append(restored, { kind: 'scope-resumed', scope: 'global', reason: 'looked at it' });
      const since = await restored.ledger.commitPermits([proposal(1, { epoch }), proposal(21, { epoch })]);
      assert.deepEqual(codesOf(since), ['committed', 'committed']);
      // Given and acknowledged after the backup: the restored ledger has no row of it.
      const lost = signedReport(30, 'verified', { minutes: 300 });
      const reports = [signedReport(0, 'verified'), signedReport(21, 'verified', { minutes: 300 }), lost];
      assert.deepEqual(await restored.reports.appendReports(reports), ['duplicate', 'counted', 'unmatched']);
    },
  );
  const names = NAMED_BLOBS.map((text) => blobPath(target.dataFolder, text));
  for (const [index, path] of names.entries()) assert.equal(await readFile(path, 'utf8'), NAMED_BLOBS[index]);
  await assert.rejects(stat(blobPath(target.dataFolder, UNNAMED_BLOB)), { code: 'ENOENT' });
  for (const file of [
    'permit-key.json',
    'registration-token',
    'approver-role.json',
    join('repository', 'hand-over.json'),
  ]) {
    const path = join(target.dataFolder, file);
    assert.equal(await readFile(path, 'utf8'), await readFile(join(source.dataFolder, file), 'utf8'));
    assert.equal((await stat(path)).mode & 0o777, 0o600);
  }
  await assert.rejects(stat(join(target.dataFolder, 'admin-token')), { code: 'ENOENT' });
});

test('a backup sees one instant, however long it takes and whatever is stored meanwhile', async () => {
  const busy = await server.createDatabase();
  await useStore(
    () => openPostgresStore({ connection: busy }),
    async (store) => {
      await startRollout(store, exposureOf(ROLLOUT, 10));
      await useCopySession(busy, 'snapshot', async ({ query }) => {
        const look = 'select granted::integer as granted, (select count(*)::integer from ledger) as rows from exposure';
        const seen = await query(look);
        await store.ledger.commitPermits([proposal(1)]);
        assert.deepEqual(await query(look), seen);
        await assert.rejects(query('delete from policy_head'), { code: '25006' });
      });
      assert.equal((await store.exposures.loadExposure(ROLLOUT))?.granted, 1);
    },
  );
});

test('epochs and revisions of a restored installation lie above what was given out after its backup', async () => {
  const target = await emptyTarget();
  await restore(whole, target);
  const ROLLOUT_EPOCHS = `select max(epoch) as epoch from permit_gate`;
  const [before] = await execute(source.connection, ROLLOUT_EPOCHS);
  const [restored] = await execute(target.connection, ROLLOUT_EPOCHS);
  assert.ok(
    numberIn(restored, 'epoch') > numberIn(before, 'epoch') + 1_000,
    'a thousand changes after the backup do not reach it',
  );
  await useStore(
    () => openPostgresStore({ connection: target.connection }),
    async (store) => {
      const next = await append(store, { kind: 'scope-resumed', scope: 'global', reason: 'looked at it' });
      assert.equal(next.revision, manifest.revision + RESTORE_REVISIONS + 2);
      await appendEvent(store, 'pause');
      assert.equal((await store.policyLog.loadEntries(revisionOf(manifest.revision))).length, 3);
    },
  );
});

test('a backup that is restored a second time gives no revision, epoch or position that the first one gave', async () => {
  const [first, second] = [await emptyTarget(), await emptyTarget()];
  const { entry } = await restore(whole, first);
  const again = await restoreInstallation({ ...workOn(whole, second), now: fleetInstant(NOW + LATER_MS) });
  assert.equal(again.entry.revision, entry.revision + LATER_MS);
  const NEXT_POSITION = `select nextval(pg_get_serial_sequence('report', 'position'))::text as position`;
  const [one, other] = [
    await execute(first.connection, NEXT_POSITION),
    await execute(second.connection, NEXT_POSITION),
  ];
  assert.ok(numberIn(other[0], 'position') >= numberIn(one[0], 'position') + LATER_MS);
});

test('a backup is one file for its owner alone, and none is ever written over', async () => {
  assert.equal((await stat(whole)).mode & 0o777, 0o600);
  const content = await readFile(whole);
  await refused('backup-exists', () => backUp(whole));
  assert.deepEqual(await readFile(whole), content);
  assert.deepEqual(
    (await readdir(folder)).filter((name) => name.includes('partial')),
    [],
  );
  const note: unknown = JSON.parse(await readFile(join(source.dataFolder, 'last-backup.json'), 'utf8'));
  assert.deepEqual(note, { schema: 1, madeAt: NOW, path: whole, bytes: content.byteLength });
});

test('a backup in which one byte has changed, wherever, is refused, and nothing of it is written', async () => {
  const content = await readFile(whole);
  const spoiled = join(folder, 'spoiled.backup');
  const target = await emptyTarget();
  let looked = 0;
  for (const place of placesOf(content)) {
    const copy = Buffer.from(content);
    copy[place] = (copy[place] ?? 0) ^ 0x01;
    await writeFile(spoiled, copy);
    await refused(['backup-damaged', 'backup-newer'], () => restore(spoiled, target));
    looked++;
  }
  assert.ok(looked > 2 * manifest.parts.length, `${looked} places`);
  await assert.rejects(stat(target.dataFolder), { code: 'ENOENT' });
});

test('a backup that was cut off, grew, lost a part or is none is refused', async () => {
  const content = await readFile(whole);
  const spoiled = join(folder, 'cut.backup');
  const target = await emptyTarget();
  const cuts = [0, 1, 511, 512, 1_000, content.byteLength >> 1, content.byteLength - 3_000, content.byteLength - 1_536];
  for (const bytes of cuts) {
    await writeFile(spoiled, content.subarray(0, bytes));
    await refused('backup-damaged', () => restore(spoiled, target));
  }
  const [first = 0, second = 0] = headersOf(content);
  const without = Buffer.concat([content.subarray(0, first), content.subarray(second)]);
  const more = Buffer.concat([content.subarray(0, second), content.subarray(first)]);
  for (const one of [without, more, Buffer.from('not a backup at all'.repeat(200))]) {
    await writeFile(spoiled, one);
    await refused('backup-damaged', () => restore(spoiled, target));
  }
  await refused('backup-unusable', () => restore(join(folder, 'nowhere.backup'), target));
});

test('a backup that somebody has made by hand names no tables and no files but ours', async () => {
  const target = await emptyTarget();
  const [device, ...others] = manifest.tables;
  assert.ok(device !== undefined);
  const rows = { ...device, name: 'device"; drop table device; --' };
  for (const [index, forged] of [
    { ...manifest, parts: [], tables: [rows, ...others] },
    { ...manifest, parts: [], tables: others },
  ].entries()) {
    const path = join(folder, `forged-${index}.backup`);
    await writeArchive(path, (archive) => sealed(archive, encodeBackupManifest(forged)));
    await refused('backup-newer', () => restore(path, target));
  }
  const path = join(folder, 'forged-file.backup');
  await writeArchive(path, async (archive) => {
    const part = await archive.add('files/../../escaped', 1, once('x'));
    await sealed(archive, encodeBackupManifest({ ...manifest, parts: [part] }));
  });
  await refused('backup-newer', () => restore(path, target));
  await assert.rejects(stat(target.dataFolder), { code: 'ENOENT' });
});

test('a backup takes keys and images from where the settings of several servers put them', async () => {
  const [secretsFolder, blobFolder] = [join(folder, 'secrets'), join(folder, 'images')];
  await cp(source.dataFolder, secretsFolder, { recursive: true });
  await rename(join(secretsFolder, 'blobs'), blobFolder);
  const dataFolder = join(folder, 'of-one-server');
  await mkdir(dataFolder);
  const path = join(folder, 'elsewhere.backup');
  await assert.rejects(backUp(path, { ...source, dataFolder }), /permit-key\.json is not in .*of-one-server/);
  const places = { ...workOn(path, { ...source, dataFolder }), secretsFolder, blobFolder };
  const made = await backUpInstallation({ ...places, program: '0.0.0' });
  assert.deepEqual(partsOf(made.manifest), partsOf(manifest));
});

function partsOf({ parts }: typeof manifest): readonly string[] {
  return parts.filter((one) => !one.name.startsWith('tables/')).map((one) => `${one.name} ${one.sha256}`);
}

test('a backup is refused where a blob is missing or has rotted, or the permit key is not there', async () => {
  for (const [code, spoil] of [
    ['blob-damaged', (path: string) => rm(blobPath(path, '2.0.0'))],
    ['blob-damaged', (path: string) => rot(blobPath(path, 'blocks of 1.0.0'))],
    ['key-missing', (path: string) => rm(join(path, 'permit-key.json'))],
  ] as const) {
    const dataFolder = join(folder, `spoiled-${++count}`);
    await makeDataFolder(dataFolder);
    await spoil(dataFolder);
    const path = join(folder, `spoiled-${count}.backup`);
    await refused(code, () => backUp(path, { ...source, dataFolder }));
    await assert.rejects(stat(path), { code: 'ENOENT' });
  }
});

test('nothing is restored into a folder or a database that holds something', async () => {
  const target = await emptyTarget();
  await mkdir(target.dataFolder);
  await writeFile(join(target.dataFolder, 'letter'), 'keep me');
  await refused('folder-not-empty', () => restore(whole, target));
  assert.deepEqual(await readdir(target.dataFolder), ['letter']);

  const used = { ...(await emptyTarget()), connection: await server.createDatabase() };
  await refused('database-not-empty', () => restore(whole, used));
  await assert.rejects(stat(used.dataFolder), { code: 'ENOENT' });
});

test('a restore for which the disk has no room says so by name, and leaves nothing in folder or database', async () => {
  const disk = await createSmallDisk(1_048_576);
  try {
    const target = { ...(await emptyTarget()), dataFolder: join(disk.folder, 'data') };
    await mkdir(target.dataFolder);
    await disk.fill();
    await refused('storage-full', () => restore(whole, target));
    await disk.free();
    assert.deepEqual(await readdir(target.dataFolder), []);
    await restore(whole, target);
  } finally {
    await disk.remove();
  }
});

test('a backup of an older schema comes up under the present one, and one of a newer schema is refused', async () => {
  const older = { dataFolder: source.dataFolder, connection: (await emptyTarget()).connection };
  await migrate(older.connection, { migrations: MIGRATIONS.slice(0, 5) });
  const path = join(folder, 'older.backup');
  assert.equal((await backUp(path, older)).manifest.migrations.length, 5);
  const target = await emptyTarget();
  await restore(path, target);
  await useStore(
    () => openPostgresStore({ connection: target.connection }),
    async (store) => assert.equal((await store.policyLog.loadEntries(revisionOf(0))).length, 1),
  );
  await execute(
    older.connection,
    'insert into schema_migration (version, compatible_from) select generate_series(6, 99), 1',
  );
  await assert.rejects(backUp(join(folder, 'newer.backup'), older), { code: 'schema-newer' });
});

test('tables larger than what is held in memory come back row by row', async () => {
  const large = { dataFolder: source.dataFolder, connection: await server.createDatabase() };
  await execute(
    large.connection,
    `insert into report (device_id, sequence, rollout_id, received_at, report, signed_body, signature)
     select 'camera-' || n, n, 'r', n, '{}', repeat(md5(n::text), 10 + n % 60), case when n = 7 then repeat('x', 9000000) else 'é\\t"' end
     from generate_series(1, 12000) n`,
  );
  const path = join(folder, 'large.backup');
  const made = await backUp(path, large);
  const parts = made.manifest.parts.filter((one) => one.name.startsWith('tables/report/'));
  assert.ok(parts.length > 3, `${parts.length} parts`);
  const target = await emptyTarget();
  await restore(path, target);
  const digest = `select count(*), md5(string_agg(md5(r::text), '' order by position)) as digest from report r`;
  assert.deepEqual(await execute(target.connection, digest), await execute(large.connection, digest));
  const [next] = await execute(
    target.connection,
    `insert into report (device_id, sequence, rollout_id, received_at, report, signed_body, signature)
     values ('new', 1, 'r', 1, '{}', '', '') returning position > 12000 as is_later`,
  );
  assert.deepEqual(next, { is_later: true });
});

interface Place {
  readonly dataFolder: string;
  readonly connection: PostgresConnection;
}

async function backUp(path: string, place: Place = source) {
  return await backUpInstallation({ ...workOn(path, place), program: '0.0.0' });
}

async function restore(path: string, place: Place) {
  return await restoreInstallation(workOn(path, place));
}

function workOn(path: string, { dataFolder, connection }: Place) {
  const { user, password, port, database } = connection;
  const databaseUrl = `postgres://${user}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`;
  return { path, dataFolder, databaseUrl, now: NOW, onProgress: () => {} };
}

async function emptyTarget(): Promise<Place> {
  const database = `target_${++count}`;
  await execute({ ...source.connection, database: 'postgres' }, `create database ${database}`);
  return { dataFolder: join(folder, `target-${count}`), connection: { ...source.connection, database } };
}

async function refused(
  codes: BackupErrorCode | readonly BackupErrorCode[],
  call: () => Promise<unknown>,
): Promise<void> {
  await assert.rejects(call, (cause: unknown) => {
    assert.ok(cause instanceof Error && 'code' in cause, String(cause));
    assert.ok([codes].flat().includes(cause.code as BackupErrorCode), `${String(cause.code)}: ${cause.message}`);
    return true;
  });
}

const BLOCK = 512;

/** Where the parts of a tar begin (POSIX ustar: the size stands in octal at 124). */
function headersOf(content: Buffer): readonly number[] {
  const found: number[] = [];
  for (let place = 0; place < content.byteLength && content[place] !== 0; ) {
    found.push(place);
    const bytes = Number.parseInt(content.subarray(place + 124, place + 136).toString('latin1'), 8);
    place += BLOCK + Math.ceil(bytes / BLOCK) * BLOCK;
  }
  return found;
}

/** In each part: its name, its length, and the first, the middle and the last byte of its content. */
function placesOf(content: Buffer): readonly number[] {
  return headersOf(content).flatMap((place) => {
    const bytes = Number.parseInt(content.subarray(place + 124, place + 136).toString('latin1'), 8);
    const body = place + BLOCK;
    return [place + 2, place + 130, body, body + (bytes >> 1), body + bytes - 1];
  });
}

async function sealed(archive: ArchiveWriter, text: string): Promise<void> {
  await archive.add('manifest.json', Buffer.byteLength(text), once(text));
  await archive.add('manifest.sha256', 64, once(digestText(text)));
}

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

async function rot(path: string): Promise<void> {
  await rm(path);
  await writeFile(path, 'something else entirely');
}

function asList(value: unknown): readonly unknown[] {
  assert.ok(Array.isArray(value));
  return value;
}

function numberIn(row: unknown, name: string): number {
  assert.ok(typeof row === 'object' && row !== null);
  return Number(new Map(Object.entries(row)).get(name));
}

// SPDX-License-Identifier: Apache-2.0
import { readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { zstdCompress } from 'node:zlib';
import { present } from '@outrider/domain/kernel/assert';
import type { Revision, Sha256 } from '@outrider/domain/kernel/ids';
import type { FleetInstant } from '@outrider/domain/kernel/time';
import { digestText } from '../../shared/digest.ts';
import { errorCode, exists, syncFolder } from '../../shared/files.ts';
import { REPOSITORY_FOLDER } from '../../shared/metadata-repository.ts';
import { randomSecret } from '../../shared/random.ts';
import { readBlobFolder } from '../blob-folder.ts';
import type { PostgresConnection } from '../postgres/connection.ts';
import { SchemaNewerError } from '../postgres/errors.ts';
import { MIGRATIONS, tablesOf } from '../postgres/migrations.ts';
import { numberOf } from '../postgres/row.ts';
import { checksumOf, loadSchema } from '../postgres/schema.ts';
import { type CopySession, useCopySession } from '../postgres/table-copy.ts';
import { type ArchiveWriter, writeArchive } from './archive.ts';
import { BackupError } from './errors.ts';
import { type BackupManifest, type BackupTable, encodeBackupManifest, PARTS_MAX } from './manifest.ts';
import {
  blobPartName,
  filePartName,
  isRepositoryFile,
  KEPT_FILES,
  MANIFEST_PART,
  SEAL_PART,
  TABLE_PART_BYTES,
  tablePartName,
} from './parts.ts';
import { blobsNamedIn } from './referenced-blobs.ts';

export interface BackupRequest {
  /** A path that is free. */
  readonly path: string;
  readonly connection: PostgresConnection;
  /** Where its keys, tokens and repositories lie: the data folder, unless a setting says otherwise. */
  readonly secretsFolder: string;
  readonly blobFolder: string;
  readonly madeAt: FleetInstant;
  readonly program: string;
  readonly onProgress: (progress: BackupProgress) => void;
}

/** What a backup or a restore is at. */
export interface BackupProgress {
  readonly step: 'table' | 'blobs' | 'verify';
  /** The table, else empty. */
  readonly name: string;
  readonly bytes: number;
  /** Of blobs and parts, where they are known before. */
  readonly done?: number;
  readonly total?: number;
}

/**
 * Writes a backup of an installation while it works: the database as of one instant, every blob that it names, and the
 * files without which it could not come up. The path holds the whole backup or nothing. Throws BackupError,
 * StoreAwayError, SchemaNewerError.
 */
export async function writeBackup(request: BackupRequest): Promise<BackupManifest> {
  const { path } = request;
  await refuseExisting(path);
  const half = `${path}.${randomSecret(4)}.partial`;
  try {
    const manifest = await writeArchive(half, (archive) =>
      useCopySession(request.connection, 'snapshot', (session) => fill(archive, session, request)),
    );
    await refuseExisting(path);
    await rename(half, path);
    await syncFolder(dirname(path));
    return manifest;
  } catch (cause) {
    await rm(half, { force: true });
    if (!(cause instanceof Error) || !('path' in cause || 'syscall' in cause) || errorCode(cause) === undefined)
      throw cause;
    throw new BackupError('backup-unusable', `The backup ${path} could not be written: ${cause.message}`, cause);
  }
}

async function refuseExisting(path: string): Promise<void> {
  if (!(await exists(path))) return;
  const detail = `There is already a file at ${path}, and a backup never replaces another; choose another name`;
  throw new BackupError('backup-exists', detail);
}

async function fill(archive: ArchiveWriter, session: CopySession, request: BackupRequest): Promise<BackupManifest> {
  const { version } = await loadSchema(session.query);
  if (version > MIGRATIONS.length) throw new SchemaNewerError(version, MIGRATIONS.length);
  if (version === 0) {
    throw new BackupError('backup-unusable', 'The database holds no installation yet: start the server once before');
  }
  const revision = await newestRevision(session);
  const tables: BackupTable[] = [];
  for (const name of tablesOf(MIGRATIONS, version)) tables.push(await addTable(archive, session, name, request));
  await addFiles(archive, request.secretsFolder);
  await addDocuments(archive, request.secretsFolder);
  await addBlobs(archive, await blobsNamedIn(session.query), request);
  const manifest: BackupManifest = {
    format: 'outrider-backup',
    schema: 1,
    madeAt: request.madeAt,
    program: request.program,
    revision,
    migrations: MIGRATIONS.slice(0, version).map((one) => ({ name: one.name, checksum: checksumOf(one) as Sha256 })),
    tables,
    parts: [...archive.parts],
  };
  await seal(archive, encodeBackupManifest(manifest));
  return manifest;
}

async function newestRevision({ query }: CopySession): Promise<Revision> {
  const [row] = await query('select revision from policy_head');
  // The constructor of a revision that was stored.
  return numberOf(present(row, 'the head of the policy log'), 'revision') as Revision;
}

async function addTable(
  archive: ArchiveWriter,
  session: CopySession,
  name: string,
  { onProgress }: BackupRequest,
): Promise<BackupTable> {
  const shape = await session.shapeOf(name);
  const copied = session.copyOut(shape);
  let index = 0;
  let bytes = 0;
  for await (const block of blocksOf(copied.chunks)) {
    if (archive.parts.length >= PARTS_MAX) throw tooLarge();
    const compressed = await compress(block);
    await archive.add(tablePartName(name, index++), compressed.byteLength, once(compressed));
    bytes += block.byteLength;
    onProgress({ step: 'table', name, bytes });
  }
  return { ...shape, rows: copied.rowCount() };
}

const compress = promisify(zstdCompress);

/** The same bytes in blocks of exactly TABLE_PART_BYTES, the last one smaller: a row may lie in several. */
async function* blocksOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let kept: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    for (let start = 0; start < chunk.byteLength; ) {
      const piece = chunk.subarray(start, start + TABLE_PART_BYTES - bytes);
      kept.push(piece);
      bytes += piece.byteLength;
      start += piece.byteLength;
      if (bytes < TABLE_PART_BYTES) continue;
      yield Buffer.concat(kept);
      kept = [];
      bytes = 0;
    }
  }
  if (bytes > 0) yield Buffer.concat(kept);
}

async function addFiles(archive: ArchiveWriter, secretsFolder: string): Promise<void> {
  for (const { file, isNeeded } of KEPT_FILES) {
    const content = await readIfPresent(join(secretsFolder, file));
    if (content === undefined && isNeeded) {
      const detail = `The file ${file} is not in ${secretsFolder}, and without it a restored installation could not go on: name the folders of the server`;
      throw new BackupError('key-missing', detail);
    }
    if (content !== undefined) await archive.add(filePartName(file), content.byteLength, once(content));
  }
}

/** Documents of both repositories. The timestamp is read first: all that it leads to is there by then, whatever is published meanwhile. */
async function addDocuments(archive: ArchiveWriter, secretsFolder: string): Promise<void> {
  const handOver = await readIfPresent(join(secretsFolder, HAND_OVER));
  if (handOver !== undefined) await archive.add(filePartName(HAND_OVER), handOver.byteLength, once(handOver));
  for (const repository of ['image', 'director']) {
    const folder = join(secretsFolder, REPOSITORY_FOLDER, repository);
    const timestamp = await readIfPresent(join(folder, TIMESTAMP_FILE));
    for (const name of await namesIn(folder)) {
      const file = `${REPOSITORY_FOLDER}/${repository}/${name}`;
      if (!isRepositoryFile(file)) continue;
      if (archive.parts.length >= PARTS_MAX) throw tooLarge();
      const content = name === TIMESTAMP_FILE ? timestamp : await readIfPresent(join(secretsFolder, file));
      if (content !== undefined) await archive.add(filePartName(file), content.byteLength, once(content));
    }
  }
}

const TIMESTAMP_FILE = 'timestamp.json';
/** The word to devices that pinned keys alone, which roots to follow. */
const HAND_OVER = `${REPOSITORY_FOLDER}/hand-over.json`;

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return [];
    throw cause;
  }
}

async function addBlobs(
  archive: ArchiveWriter,
  digests: readonly Sha256[],
  { blobFolder, onProgress }: BackupRequest,
): Promise<void> {
  const blobs = readBlobFolder(blobFolder);
  let [bytes, done] = [0, 0];
  for (const digest of digests) {
    if (archive.parts.length >= PARTS_MAX) throw tooLarge();
    const size = await blobs.sizeOf(digest);
    if (size === undefined) throw damagedBlob(digest, `is not in ${blobFolder}`);
    const part = await archive.add(blobPartName(digest), size, blobs.read(digest));
    if (part.sha256 !== digest) throw damagedBlob(digest, 'has another content than its digest');
    bytes += size;
    onProgress({ step: 'blobs', name: '', bytes, done: ++done, total: digests.length });
  }
}

async function seal(archive: ArchiveWriter, text: string): Promise<void> {
  const content = Buffer.from(text);
  await archive.add(MANIFEST_PART, content.byteLength, once(content));
  const digest = Buffer.from(digestText(text));
  await archive.add(SEAL_PART, digest.byteLength, once(digest));
}

async function* once(content: Uint8Array): AsyncGenerator<Uint8Array> {
  yield content;
}

async function readIfPresent(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return undefined;
    throw cause;
  }
}

function damagedBlob(digest: Sha256, finding: string): BackupError {
  const detail = `The blob ${digest} ${finding}, and a release or a delta names it: put the file back, or remove what is left of it and upload it again`;
  return new BackupError('blob-damaged', detail);
}

function tooLarge(): BackupError {
  const detail = `The installation has more than ${PARTS_MAX} parts; back its database up with PostgreSQL's own tools`;
  return new BackupError('backup-unusable', detail);
}

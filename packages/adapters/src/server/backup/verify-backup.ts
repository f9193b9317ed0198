// SPDX-License-Identifier: Apache-2.0
import { describeParseError } from '@outrider/protocol/kernel/parse-error';
import { digestText } from '../../shared/digest.ts';
import { MIGRATIONS, tablesOf } from '../postgres/migrations.ts';
import { checksumOf } from '../postgres/schema.ts';
import { type ArchivePart, damaged, readArchive, textOfChunks } from './archive.ts';
import { BackupError } from './errors.ts';
import {
  type BackupManifest,
  type BackupPart,
  MANIFEST_BYTES_MAX,
  PARTS_MAX,
  parseBackupManifest,
} from './manifest.ts';
import { MANIFEST_PART, readPartName, SEAL_PART } from './parts.ts';
import type { BackupProgress } from './write-backup.ts';

/**
 * Reads a backup from its first byte to its last and holds it against its own manifest: nothing of it may be used before.
 * Throws BackupError: backup-damaged, backup-newer, backup-unusable.
 */
export async function verifyBackup(
  path: string,
  onProgress: (progress: BackupProgress) => void = () => {},
): Promise<BackupManifest> {
  const parts: BackupPart[] = [];
  let [manifestText, seal]: readonly (string | undefined)[] = [];
  let bytes = 0;
  for await (const part of readArchive(path)) {
    if (seal !== undefined) throw damagedAt(path, `something follows its last part: ${part.name}`);
    if (part.name === MANIFEST_PART) {
      manifestText = await textOfChunks(part.chunks, MANIFEST_BYTES_MAX);
    } else if (part.name === SEAL_PART && manifestText !== undefined) {
      seal = await textOfChunks(part.chunks, SEAL_BYTES);
    } else {
      if (manifestText !== undefined) throw damagedAt(path, `the part ${part.name} follows its manifest`);
      if (parts.length >= PARTS_MAX) throw damagedAt(path, `it has more than ${PARTS_MAX} parts`);
      parts.push(await read(part));
      bytes += part.bytes;
      onProgress({ step: 'verify', name: '', bytes, done: parts.length });
    }
  }
  if (manifestText === undefined || seal === undefined) throw damagedAt(path, 'it ends before its manifest');
  if (seal !== digestText(manifestText)) throw damagedAt(path, 'its manifest is not the one that was written');
  return accepted(path, manifestText, parts);
}

/** SHA-256 in hexadecimal. */
const SEAL_BYTES = 64;

async function read({ name, bytes, chunks, digest }: ArchivePart): Promise<BackupPart> {
  for await (const _ of chunks);
  return { name, bytes, sha256: digest() };
}

/** The manifest, if it says of every part what was read, in the same order, and nothing else. */
function accepted(path: string, text: string, parts: readonly BackupPart[]): BackupManifest {
  const parsed = parseBackupManifest(text);
  // The seal is right: it is whole, and a program that this one does not know has written it.
  if (!parsed.ok) throw newer(path, describeParseError(parsed.error));
  const manifest = parsed.value;
  for (const [index, part] of parts.entries()) {
    const promised = manifest.parts[index];
    if (promised?.name !== part.name) throw damagedAt(path, `the part ${part.name} is not in its manifest`);
    if (promised.sha256 !== part.sha256 || promised.bytes !== part.bytes) {
      throw damagedAt(path, `the part ${part.name} is not the one that was written`);
    }
    const name = readPartName(part.name);
    if (name === undefined) throw newer(path, `the part ${part.name} is of a kind that is unknown`);
    if (name.kind === 'blob' && name.digest !== part.sha256) throw damagedAt(path, `${part.name} is another blob`);
  }
  if (manifest.parts.length > parts.length) throw damagedAt(path, `${manifest.parts[parts.length]?.name} is missing`);
  refuseOtherMigrations(path, manifest);
  return manifest;
}

/** Names of tables become statements, so that only those of our own migrations are taken. */
function refuseOtherMigrations(path: string, { migrations, tables }: BackupManifest): void {
  if (migrations.length > MIGRATIONS.length) {
    throw newer(path, `its database has schema ${migrations.length}, this program knows ${MIGRATIONS.length}`);
  }
  for (const [index, { name, checksum }] of migrations.entries()) {
    const known = MIGRATIONS[index];
    if (known !== undefined && known.name === name && checksumOf(known) === checksum) continue;
    throw newer(path, `its migration ${name} is not the one that this program knows as ${known?.name}`);
  }
  const known = tablesOf(MIGRATIONS, migrations.length);
  const isKnown = tables.length === known.length && tables.every((one, index) => one.name === known[index]);
  if (!isKnown) throw newer(path, 'its tables are not those of its migrations');
}

function damagedAt(path: string, finding: string): BackupError {
  return new BackupError('backup-damaged', damaged(path, finding));
}

function newer(path: string, finding: string): BackupError {
  const detail = `The backup ${path} was made by another program: ${finding}; restore it with the program that made it, or a newer one`;
  return new BackupError('backup-newer', detail);
}

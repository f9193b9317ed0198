// SPDX-License-Identifier: Apache-2.0
import type { Revision, Sha256 } from '@outrider/domain/kernel/ids';
import type { Result } from '@outrider/domain/kernel/result';
import type { FleetInstant } from '@outrider/domain/kernel/time';
import { encodeJson, parseText } from '@outrider/protocol/kernel/json-text';
import type { ParseError } from '@outrider/protocol/kernel/parse-error';
import { listOf, literal, record, text, whole } from '@outrider/protocol/kernel/reader';
import { instant, revision, sha256 } from '@outrider/protocol/kernel/values';

/** What a backup holds, as its last part but one says: docs/backup-format.md. */
export interface BackupManifest {
  readonly format: 'outrider-backup';
  readonly schema: 1;
  /** When the snapshot of the database was taken, on the clock of the machine that took it. */
  readonly madeAt: FleetInstant;
  /** The version of the program that made it. */
  readonly program: string;
  /** The newest entry of its policy log. */
  readonly revision: Revision;
  /** The migrations of its database, in their order: their number is the version of its schema. */
  readonly migrations: readonly BackupMigration[];
  /** In the order in which they are restored. */
  readonly tables: readonly BackupTable[];
  /** All that stands before the manifest, in its order. */
  readonly parts: readonly BackupPart[];
}

export interface BackupMigration {
  readonly name: string;
  readonly checksum: Sha256;
}

export interface BackupTable {
  readonly name: string;
  readonly columns: readonly string[];
  readonly rows: number;
}

export interface BackupPart {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: Sha256;
}

export function encodeBackupManifest(manifest: BackupManifest): string {
  return encodeJson(manifest);
}

/** Reads a manifest. Code: body-malformed. */
export function parseBackupManifest(body: string): Result<BackupManifest, ParseError> {
  return parseText(body, { noun: 'backup-manifest', bytesMax: MANIFEST_BYTES_MAX, reader: manifest });
}

/** A part takes some 150 bytes: a hundred thousand of 4 MiB each are 400 GB. */
export const PARTS_MAX = 100_000;
export const MANIFEST_BYTES_MAX = 33_554_432;

const TABLES_MAX = 1_000;
const COLUMNS_MAX = 1_600;
const NAME_CHARACTERS_MAX = 256;

const name = text({ charactersMin: 1, charactersMax: NAME_CHARACTERS_MAX });

const manifest = record<BackupManifest>({
  format: literal('outrider-backup'),
  schema: literal(1),
  madeAt: instant,
  program: name,
  revision,
  migrations: listOf(record<BackupMigration>({ name, checksum: sha256 }), { countMin: 1, countMax: TABLES_MAX }),
  tables: listOf(
    record<BackupTable>({
      name,
      columns: listOf(name, { countMin: 1, countMax: COLUMNS_MAX }),
      rows: whole({ min: 0 }),
    }),
    { countMax: TABLES_MAX },
  ),
  parts: listOf(record<BackupPart>({ name, bytes: whole({ min: 0 }), sha256 }), { countMax: PARTS_MAX }),
});

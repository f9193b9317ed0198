// SPDX-License-Identifier: Apache-2.0
import type { Sha256 } from '@outrider/domain/kernel/ids';
import { parseSha256 } from '@outrider/domain/kernel/ids';
import { CA_FILES, CA_FOLDER } from '../ca/ca-folder.ts';

/** The parts of a backup are told apart by their names: what each holds is in its name, and nothing else is. */
export type PartName =
  /** Rows of a table in PostgreSQL's text form, compressed; its parts are one text cut anywhere. */
  | { readonly kind: 'table'; readonly table: string }
  | { readonly kind: 'blob'; readonly digest: Sha256 }
  /** A file of the data folder. */
  | { readonly kind: 'file'; readonly file: string };

/** The last part but one lists all before it; the last is the SHA-256 of that one. */
export const MANIFEST_PART = 'manifest.json';
export const SEAL_PART = 'manifest.sha256';

/** Files of the data folder that belong to a backup; an installation is none without those that are needed. */
export const KEPT_FILES: readonly { readonly file: string; readonly isNeeded: boolean }[] = [
  // Devices have pinned it: with another key no permit is worth anything to them.
  { file: 'permit-key.json', isNeeded: true },
  { file: 'registration-token', isNeeded: true },
  { file: 'snapshot-key.json', isNeeded: false },
  { file: 'timestamp-key.json', isNeeded: false },
  { file: 'release-role.json', isNeeded: false },
  { file: 'approver-role.json', isNeeded: false },
  // Devices have pinned the root: behind another one they find no server. The key of the root itself is elsewhere.
  ...Object.values(CA_FILES).map((file) => ({ file: `${CA_FOLDER}/${file}`, isNeeded: false })),
];

/** Documents of the repositories: every version, since devices ask for the roots between theirs and the newest. */
const REPOSITORY_FILE = /^repository\/(hand-over|(image|director)\/[A-Za-z0-9][A-Za-z0-9._:@+-]{0,180})\.json$/;

/** Whether a file below the data folder is a document of a repository. */
export function isRepositoryFile(file: string): boolean {
  return REPOSITORY_FILE.test(file);
}

/** Rows of a table that are compressed and named at a time: what a backup and a restore hold in memory. */
export const TABLE_PART_BYTES = 4_194_304;

export function tablePartName(table: string, index: number): string {
  return `tables/${table}/${String(index).padStart(6, '0')}.zst`;
}

export function blobPartName(digest: Sha256): string {
  return `blobs/${digest}`;
}

export function filePartName(file: string): string {
  return `files/${file}`;
}

/** Reads the name of a part; undefined for one that no program of this format has written. */
export function readPartName(name: string): PartName | undefined {
  const [, table] = /^tables\/([a-z][a-z0-9_]{0,62})\/\d{6,}\.zst$/.exec(name) ?? [];
  if (table !== undefined) return { kind: 'table', table };
  const digest = parseSha256(name.startsWith('blobs/') ? name.slice('blobs/'.length) : '');
  if (digest.ok) return { kind: 'blob', digest: digest.value };
  const kept = KEPT_FILES.find((one) => name === filePartName(one.file));
  if (kept !== undefined) return { kind: 'file', file: kept.file };
  const document = name.startsWith('files/') ? name.slice('files/'.length) : '';
  return isRepositoryFile(document) ? { kind: 'file', file: document } : undefined;
}

// SPDX-License-Identifier: Apache-2.0
import { type Finding, ok, warn, wrong } from './finding.ts';

/** The data folder, and the disk that it is on. */
export interface FolderFacts {
  readonly path: string;
  readonly kind: 'folder' | 'missing' | 'not-a-folder' | 'unreadable';
  /** Permission bits. */
  readonly mode: number;
  readonly ownerUid: number;
  /** Undefined where the system has no user ids. */
  readonly ownUid: number | undefined;
  /** Of the folder or, while it is missing, of the nearest one above it. */
  readonly mayWrite: boolean;
  /** Of the same. */
  readonly disk: DiskFacts | undefined;
  /** What a trial file did; undefined: it was not tried. */
  readonly trial: FolderTrial | undefined;
  readonly isRestoreUnfinished: boolean;
}

/** What came of a trial file. */
export interface FolderTrial {
  readonly fault?: string;
  /** There was no room for it: no fault of the file system itself. */
  readonly isFull?: boolean;
}

export interface DiskFacts {
  /** As `statfs` says, for example 0xef53 for ext4. */
  readonly fileSystem: number;
  readonly freeBytes: number;
  readonly inodesFree: number;
  /** 0: this file system has no such limit. */
  readonly inodesTotal: number;
}

/** The server says not-ready below it: the next image, or PostgreSQL's next segment, may not fit. */
const FREE_BYTES_MIN = 268_435_456;
/** Room for a release with its deltas, and a database of some ten thousand devices. */
const FREE_BYTES_WANTED = 2_147_483_648;
/** An image takes a handful of files, PostgreSQL some hundreds a database. */
const INODES_MIN = 1_000;
const INODES_WANTED = 10_000;

export function folderChecks(facts: FolderFacts): readonly Finding[] {
  return [folderCheck(facts), rightsCheck(facts), ...diskChecks(facts), fileSystemCheck(facts), restoreCheck(facts)];
}

function folderCheck({ path, kind, mayWrite }: FolderFacts): Finding {
  switch (kind) {
    case 'folder':
      if (mayWrite) return ok('data-folder', path);
      return wrong('data-folder', `${path} may not be written by this user`, 'Run it as its owner, or choose another');
    case 'missing':
      if (mayWrite) return ok('data-folder', `${path} is not there yet; the first start makes it`);
      return wrong(
        'data-folder',
        `${path} is not there and may not be made`,
        'Make it for this user, or choose another',
      );
    case 'not-a-folder':
      return wrong('data-folder', `${path} is no folder`, 'Name a folder with --data');
    case 'unreadable':
      return wrong(
        'data-folder',
        `${path} may not be looked at by this user`,
        'Run it as its owner, or choose another',
      );
  }
}

function rightsCheck({ kind, mode, ownerUid, ownUid }: FolderFacts): Finding {
  if (kind !== 'folder') return ok('data-rights', 'Nothing to look at yet');
  const seen = `mode ${(mode & 0o7777).toString(8).padStart(4, '0')}, owner ${ownerUid}`;
  if (ownUid !== undefined && ownUid !== 0 && ownerUid !== ownUid) {
    return wrong('data-rights', `${seen}, this user is ${ownUid}`, 'Run it as its owner, or `chown -R` it');
  }
  if ((mode & 0o022) !== 0) return wrong('data-rights', `${seen}: others may write`, 'Run `chmod 700` on it');
  if ((mode & 0o055) !== 0) return warn('data-rights', `${seen}: others may look into it`, 'Run `chmod 700` on it');
  return ok('data-rights', seen);
}

function diskChecks({ disk }: FolderFacts): readonly Finding[] {
  if (disk === undefined) return [];
  const { freeBytes, inodesFree, inodesTotal } = disk;
  const space = `${mebibytes(freeBytes)} MiB free`;
  const inodes = inodesTotal === 0 ? 'No limit' : `${inodesFree} of ${inodesTotal} free`;
  const few = inodesTotal === 0 ? Number.POSITIVE_INFINITY : inodesFree;
  return [
    judged('disk-space', space, {
      seen: freeBytes,
      min: FREE_BYTES_MIN,
      wanted: FREE_BYTES_WANTED,
      mend: `Free some space: ${mebibytes(FREE_BYTES_WANTED)} MiB are wanted, below ${mebibytes(FREE_BYTES_MIN)} the server is not ready`,
    }),
    judged('disk-inodes', inodes, {
      seen: few,
      min: INODES_MIN,
      wanted: INODES_WANTED,
      mend: `Remove files from this file system: ${INODES_WANTED} free ones are wanted`,
    }),
  ];
}

function judged(
  check: 'disk-space' | 'disk-inodes',
  text: string,
  {
    seen,
    min,
    wanted,
    mend,
  }: { readonly seen: number; readonly min: number; readonly wanted: number; readonly mend: string },
): Finding {
  if (seen < min) return wrong(check, text, mend);
  return seen < wanted ? warn(check, text, mend) : ok(check, text);
}

function mebibytes(bytes: number): number {
  return Math.floor(bytes / 1_048_576);
}

/** Linux, statfs(2): those whose sync or locks are not what a database believes, or that are gone after a restart. */
const DOUBTFUL_FILE_SYSTEMS: Readonly<Record<number, string>> = {
  26985: 'nfs: what a server there has acknowledged may be lost',
  4283649346: 'cifs: links and locks are not those of a disk',
  4266872130: 'smb: links and locks are not those of a disk',
  16914839: '9p: sync may not reach a disk',
  16914836: 'tmpfs: all is gone after a restart of the machine',
  2240043254: 'ramfs: all is gone after a restart of the machine',
  2035054128: 'overlay: all is gone with the container',
};

function fileSystemCheck({ disk, trial }: FolderFacts): Finding {
  if (trial?.fault !== undefined) {
    const mend = trial.isFull
      ? 'Make room there'
      : 'Put the data folder on a local disk that can be written, such as ext4 or xfs';
    return wrong('file-system', trial.fault, mend);
  }
  const doubt = disk === undefined ? undefined : DOUBTFUL_FILE_SYSTEMS[disk.fileSystem];
  if (doubt !== undefined) return warn('file-system', doubt, 'Put the data folder on a disk of its own');
  if (trial === undefined) return ok('file-system', 'Nothing to look at yet');
  return ok('file-system', 'A trial file was written, synced, linked, renamed and removed');
}

function restoreCheck({ path, isRestoreUnfinished }: FolderFacts): Finding {
  if (!isRestoreUnfinished) return ok('restore', 'None is under way');
  const mend = 'Let it end, or run `outrider restore` again, which begins anew';
  return wrong('restore', `A restore into ${path} was begun and has not ended`, mend);
}

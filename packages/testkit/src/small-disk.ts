// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { isDiskFull } from '@outrider/adapters/shared/files';

/** A disk that can be full, for real: the kernel itself refuses the write. */
export interface SmallDisk {
  /** An empty folder on it. */
  readonly folder: string;
  /** From now on no byte more can be written there. */
  fill(): Promise<void>;
  /** There is room again. */
  free(): Promise<void>;
  remove(): Promise<void>;
}

/**
 * A disk of `bytes` bytes. Whoever may mount gets a file system of its own (ENOSPC); to anyone else the kernel forbids this
 * process every write to a file while it is "full" (RLIMIT_FSIZE, EFBIG), which needs no right. Of Linux, as CI is.
 */
export async function createSmallDisk(bytes: number): Promise<SmallDisk> {
  const folder = await mkdtemp(join(tmpdir(), 'outrider-disk-'));
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', folder]);
  } catch {
    // Not root, or in a container without the right.
    return limitedProcess(folder);
  }
  return ownFileSystem(folder);
}

const run = promisify(execFile);

function ownFileSystem(folder: string): SmallDisk {
  const filler = join(folder, 'filler');
  return {
    folder,
    async fill() {
      const file = await open(filler, 'w');
      try {
        await fillUp(file);
      } finally {
        await file.close();
      }
    },
    free: () => rm(filler),
    async remove() {
      await run('umount', ['--lazy', folder]);
      await rm(folder, { recursive: true });
    },
  };
}

/** First in large pieces, then byte by byte. */
async function fillUp(file: { writeFile(data: Uint8Array): Promise<void> }): Promise<void> {
  for (const pieceBytes of [65_536, 1_024, 1]) {
    try {
      for (;;) await file.writeFile(new Uint8Array(pieceBytes));
    } catch (cause) {
      if (!isDiskFull(cause)) throw cause;
    }
  }
}

function limitedProcess(folder: string): SmallDisk {
  // Only the soft limit: it can be raised again.
  const limit = (bytes: string) => run('prlimit', ['--pid', String(process.pid), `--fsize=${bytes}:`]);
  return {
    folder,
    async fill() {
      await limit('0');
    },
    async free() {
      await limit('unlimited');
    },
    async remove() {
      await limit('unlimited');
      await rm(folder, { recursive: true });
    },
  };
}

// SPDX-License-Identifier: Apache-2.0
import { statfs } from 'node:fs/promises';

/** Room for this process on the disk that holds `path`: without what is kept back for the administrator. */
export async function readDiskSpace(path: string): Promise<{ readonly freeBytes: number }> {
  const { bavail, bsize } = await statfs(path);
  return { freeBytes: bavail * bsize };
}

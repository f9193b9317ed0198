// SPDX-License-Identifier: Apache-2.0
import { mkdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PostgresStartError } from './errors.ts';
import type { Operator } from './operator.ts';

/** Where clusters lie: in the data folder itself, or, started as root, where the system user can reach them. */
export async function findBaseFolder(dataFolder: string, operator: Operator): Promise<string> {
  if (operator === undefined) return dataFolder;
  const candidates = ['/var/lib/outrider', join(tmpdir(), 'outrider')];
  const findings: string[] = [];
  for (const candidate of candidates) {
    const finding = await findFault(candidate);
    if (finding === undefined) return candidate;
    findings.push(`${candidate} ${finding}`);
  }
  const detail = `No folder can hold the database: ${findings.join('; ')}. Make one of them a folder of root's with mode 0755`;
  throw new PostgresStartError('folder-unusable', detail);
}

/** What stands against this folder, or undefined: it is made if absent, and must be root's alone to write. */
async function findFault(folder: string): Promise<string | undefined> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o755 });
    const { uid, mode } = await stat(folder);
    if (uid !== 0 || (mode & 0o022) !== 0) return `belongs to user ${uid} with mode ${(mode & 0o777).toString(8)}`;
    for (let above = folder; ; above = dirname(above)) {
      if (((await stat(above)).mode & 0o001) === 0) return `lies under ${above}, which others may not enter`;
      if (above === dirname(above)) return undefined;
    }
  } catch (cause) {
    return `cannot be used (${cause instanceof Error ? cause.message : String(cause)})`;
  }
}

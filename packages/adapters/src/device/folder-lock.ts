// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { assert } from '@outrider/domain/kernel/assert';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import { errorCode, readTextIfPresent } from '../shared/files.ts';

/** Another process works in the folder. */
export interface FolderLockError {
  readonly code: 'folder-in-use';
  readonly detail: string;
}

/**
 * Makes a device's folder this process's own until it ends: two agents would take each other's boot tries and overwrite each
 * other's journal. The lock is a file that says who holds it; a process that was killed, or ran before a reboot, holds
 * nothing any more. It sees only processes of its own machine and container. Code: folder-in-use.
 */
export async function lockFolder(folder: string): Promise<Result<'locked', FolderLockError>> {
  const path = join(folder, LOCK_FILE);
  const own = await identityOf(process.pid);
  assert(own !== undefined, 'this very process to be alive');
  const beside = `${path}.${process.pid}`;
  await writeFile(beside, own);
  try {
    for (let tries = 0; tries < TRIES; tries++) {
      if (await linked(beside, path)) return ok('locked');
      const holder = await readTextIfPresent(path);
      if (holder === undefined) continue;
      const pid = pidIn(holder);
      if (pid !== undefined && (await identityOf(pid)) === holder) return inUse(folder, `process ${pid} works there`);
      await takeAway(path, holder);
    }
    return inUse(folder, 'others start there at this moment');
  } finally {
    await rm(beside, { force: true });
  }
}

const LOCK_FILE = 'agent.lock';

/** Each lost try means that somebody else was faster. */
const TRIES = 5;

function inUse(folder: string, who: string): Result<never, FolderLockError> {
  const detail = `The data folder ${folder} is in use: ${who}. Stop that agent, or give each device a folder of its own`;
  return err({ code: 'folder-in-use', detail });
}

/** A link, since it never overwrites: of two that start at once one gets the name. */
async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (cause) {
    if (errorCode(cause) === 'EEXIST') return false;
    throw cause;
  }
}

/** Removes the lock of a process that is gone. Another start may have done so before, and its lock must stay. */
async function takeAway(path: string, holder: string): Promise<void> {
  const aside = `${path}.${process.pid}.former`;
  try {
    await rename(path, aside);
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return;
    throw cause;
  }
  if ((await readFile(aside, 'utf8')) !== holder) await linked(aside, path);
  await rm(aside);
}

function pidIn(identity: string): number | undefined {
  const pid = Number.parseInt(identity, 10);
  return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
}

/** One text for one life of one process, since process ids are used again; undefined when it is not alive. */
async function identityOf(pid: number): Promise<string | undefined> {
  const boot = await readTextIfPresent('/proc/sys/kernel/random/boot_id');
  if (boot === undefined) return await identityByPs(pid);
  const status = await readTextIfPresent(`/proc/${pid}/stat`);
  if (status === undefined) return undefined;
  // proc(5): after the command's name in parentheses come the state, field 3, and as field 22 the instant of its start.
  const fields = status.slice(status.lastIndexOf(')') + 2).split(' ');
  const [state] = fields;
  return state === 'Z' || state === 'X' ? undefined : `${pid} ${fields[19]} ${boot.trim()}`;
}

/** Where there is no /proc (macOS): the start as `ps` writes it. */
async function identityByPs(pid: number): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)('ps', ['-o', 'lstart=', '-p', String(pid)]);
    return `${pid} ${stdout.trim()}`;
  } catch {
    // `ps` ends with 1 when there is no such process.
    return undefined;
  }
}

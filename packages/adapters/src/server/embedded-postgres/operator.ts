// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import process from 'node:process';
import { promisify } from 'node:util';
import { PostgresStartError } from './errors.ts';

/** The identity under which PostgreSQL runs; undefined: the one this process has. */
export type Operator = { readonly uid: number; readonly gid: number } | undefined;

const SYSTEM_USER = 'outrider';

/** PostgreSQL refuses to run as root: there it gets a system user of its own, made on first use. */
export async function findOperator(): Promise<Operator> {
  if (process.getuid?.() !== 0) return undefined;
  const known = await lookUp();
  if (known !== undefined) return known;
  try {
    await run('useradd', ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin', SYSTEM_USER]);
  } catch (cause) {
    // Two first starts at once: the other one made it.
    const made = await lookUp();
    if (made !== undefined) return made;
    const detail = `PostgreSQL does not run as root, and the system user ${SYSTEM_USER} could not be made: run \`useradd --system ${SYSTEM_USER}\`, start as another user, or set DATABASE_URL`;
    throw new PostgresStartError('system-user-missing', detail, cause);
  }
  const made = await lookUp();
  if (made !== undefined) return made;
  throw new PostgresStartError(
    'system-user-missing',
    `The system user ${SYSTEM_USER} was made and is not found by \`id\``,
  );
}

/** The system user, if there is one. */
export async function lookUp(): Promise<Operator> {
  try {
    const [uid, gid] = await Promise.all(['-u', '-g'].map((flag) => run('id', [flag, SYSTEM_USER])));
    return { uid: Number(uid), gid: Number(gid) };
  } catch {
    // `id` ends with 1 for a user that does not exist.
    return undefined;
  }
}

async function run(command: string, parameters: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(command, parameters, { timeout: COMMAND_TIMEOUT_MS });
  return stdout.trim();
}

/** Both commands read or write small local files; a directory service that hangs must not hang the start. */
const COMMAND_TIMEOUT_MS = 10_000;

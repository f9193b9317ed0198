// SPDX-License-Identifier: Apache-2.0
import { lstat, rm } from 'node:fs/promises';
import { connect, type Server } from 'node:net';
import process from 'node:process';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import { errorCode } from '../shared/files.ts';

/**
 * Lets a server listen on a Unix socket that only its own user can connect to (mode 0600). A socket that a killed process left
 * is replaced. The error is one sentence for the person who chose the path.
 */
export async function listenPrivately(server: Server, path: string): Promise<Result<undefined, string>> {
  const bytes = Buffer.byteLength(path);
  if (bytes > PATH_BYTES_MAX) {
    return err(`The path of the socket has ${bytes} bytes, allowed are ${PATH_BYTES_MAX} (sun_path of unix(7))`);
  }
  const room = await makeRoom(path);
  if (!room.ok) return room;
  return new Promise((resolve) => {
    const failed = (cause: Error) => resolve(err(`The socket ${path} cannot be opened (${cause.message})`));
    server.once('error', failed);
    // A path is bound within this call, so that nobody connects before the mode is right, and no other file gets this mask.
    const mask = process.umask(OWNER_ONLY_MASK);
    try {
      server.listen({ path }, () => {
        server.off('error', failed);
        resolve(ok(undefined));
      });
    } finally {
      process.umask(mask);
    }
  });
}

/** The kernel's `sun_path` has 108 bytes with its final zero. */
const PATH_BYTES_MAX = 107;

/** Leaves reading and writing to the owner: connecting needs the right to write (unix(7)). */
const OWNER_ONLY_MASK = 0o177;

/** Takes away a socket at which nobody answers; anything else at this path stays, and is named. */
async function makeRoom(path: string): Promise<Result<undefined, string>> {
  const kind = await kindOf(path);
  if (kind === 'nothing') return ok(undefined);
  if (kind === 'other') return err(`There is a file at ${path} that is no socket; choose another path`);
  if (await isAnswered(path))
    return err(`Another program answers at the socket ${path}; stop it, or choose another path`);
  await rm(path, { force: true });
  return ok(undefined);
}

async function kindOf(path: string): Promise<'nothing' | 'socket' | 'other'> {
  try {
    return (await lstat(path)).isSocket() ? 'socket' : 'other';
  } catch (cause) {
    // Any other fault of the folder is told by the attempt to listen.
    if (errorCode(cause) === undefined) throw cause;
    return 'nothing';
  }
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

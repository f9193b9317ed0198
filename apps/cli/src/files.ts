// SPDX-License-Identifier: Apache-2.0
import { open, readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { errorCode } from '@outrider/adapters/shared/files';
import type { Result } from '@outrider/domain/kernel/result';
import { describeParseError, type ParseError } from '@outrider/protocol/kernel/parse-error';
import { CommandFailure, usageFailure } from './failure.ts';
import type { World } from './world.ts';

/** An absolute path for one that was written on the command line. */
export function pathOf(world: World, path: string): string {
  return resolve(world.workingFolder, path);
}

/** Reads a text file that the command line named; `noun` says what it should be, for example `plan`. */
export async function readTextFile(world: World, noun: string, path: string): Promise<string> {
  try {
    return await readFile(pathOf(world, path), 'utf8');
  } catch (cause) {
    throw fileFailure(cause, noun, path, 'read');
  }
}

/** Reads and parses a file; a malformed one says where, what stands there and what may. */
export async function readDocument<T>(
  world: World,
  source: { readonly noun: string; readonly path: string },
  parse: (text: string) => Result<T, ParseError>,
): Promise<T> {
  const parsed = parse(await readTextFile(world, source.noun, source.path));
  if (parsed.ok) return parsed.value;
  throw usageFailure(`The ${source.noun} in ${source.path} cannot be used: ${describeParseError(parsed.error)}`);
}

/** Creates a file that must not exist yet; what is there is never overwritten. */
export async function createFile(world: World, file: NewFile, content: string): Promise<void> {
  const opened = await openNewFile(world, file);
  try {
    await opened.write(content);
  } finally {
    await opened.close();
  }
}

export interface NewFile {
  readonly noun: string;
  readonly path: string;
  readonly mode: number;
}

/** The same for a file that is written piece by piece; each is on the disk when `write` returns. */
export async function openNewFile(
  world: World,
  { noun, path, mode }: NewFile,
): Promise<{ write(content: string): Promise<void>; close(): Promise<void> }> {
  const named = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (cause) {
      throw fileFailure(cause, noun, path, 'written');
    }
  };
  const handle = await named(() => open(pathOf(world, path), 'wx', mode));
  return {
    write: (content) =>
      named(async () => {
        await handle.writeFile(content);
        await handle.sync();
      }),
    close: () => named(() => handle.close()),
  };
}

/** A sentence for what the file system said. */
export function fileFailure(cause: unknown, noun: string, path: string, verb: 'read' | 'written'): CommandFailure {
  const code = errorCode(cause);
  if (code === 'ENOENT' && verb === 'read') {
    return new CommandFailure('not-found', `There is no ${noun} at ${path}; name a file that exists`, {
      code: 'file-missing',
      cause,
    });
  }
  if (code === 'EEXIST') {
    return new CommandFailure(
      'refused',
      `There is already a file at ${path} and a ${noun} is never overwritten; choose another name`,
      { code: 'file-exists', cause },
    );
  }
  const reason = REASONS[code ?? ''] ?? (cause instanceof Error ? cause.message : String(cause));
  return new CommandFailure('failed', `The ${noun} at ${path} could not be ${verb}: ${reason}`, {
    code: 'file-failed',
    cause,
  });
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'its folder does not exist; create it first',
  EACCES: 'permission is denied; check its owner and mode',
  EPERM: 'permission is denied; check its owner and mode',
  EISDIR: 'it is a folder; name a file',
  ENOTDIR: 'a part of the path is a file; name a folder there',
  ENOSPC: 'the disk is full; free some space',
  EROFS: 'the file system is read-only; choose another place',
};

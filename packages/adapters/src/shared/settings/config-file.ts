// SPDX-License-Identifier: Apache-2.0
import { readFileSync, statSync } from 'node:fs';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import { errorCode } from '../files.ts';

/** A configuration file: one JSON object. Whether its members are settings is for `readSettings` to say. */
export interface ConfigFile {
  readonly path: string;
  readonly members: Readonly<Record<string, unknown>>;
  /** Others than its owner may read it: to be said when it holds a secret. */
  readonly isReadableByOthers: boolean;
}

/** One sentence; it never repeats the file's text, which may hold a password. */
export interface ConfigFault {
  readonly code: 'config-missing' | 'config-unreadable' | 'config-malformed';
  readonly sentence: string;
}

/** Settings are a few hundred bytes; whatever is larger is another file. */
const CONFIG_BYTES_MAX = 1_048_576;
/** Read by the group, or by all. */
const OTHERS_READ = 0o044;

/** Reads a configuration file. It is read once, before anything else runs, so it may block. */
export function loadConfigFile(path: string): Result<ConfigFile, ConfigFault> {
  const text = textOf(path);
  if (!text.ok) return text;
  const { content, mode } = text.value;
  const parsed = objectOf(content);
  if (parsed.ok) return ok({ path, members: parsed.value, isReadableByOthers: (mode & OTHERS_READ) !== 0 });
  const sentence = `The configuration file ${path} is ${parsed.error}; allowed is one JSON object such as {"port": 8440}`;
  return err({ code: 'config-malformed', sentence });
}

/** The one line of a file that holds a secret, or why there is none. */
export function loadSecretFile(path: string): Result<string, ConfigFault> {
  const text = textOf(path);
  return text.ok ? ok(text.value.content.trim()) : text;
}

function textOf(path: string): Result<{ readonly content: string; readonly mode: number }, ConfigFault> {
  try {
    const found = statSync(path);
    if (!found.isFile()) return err(unreadable(path, 'it is no file'));
    if (found.size > CONFIG_BYTES_MAX)
      return err(unreadable(path, `it has ${found.size} bytes, at most ${CONFIG_BYTES_MAX} are read`));
    return ok({ content: readFileSync(path, 'utf8'), mode: found.mode });
  } catch (cause) {
    const code = errorCode(cause);
    if (code === undefined) throw cause;
    // ENOTDIR: the folder above is a file.
    if (code !== 'ENOENT' && code !== 'ENOTDIR') return err(unreadable(path, code));
    return err({ code: 'config-missing', sentence: `There is no file at ${path}; make it, or name another` });
  }
}

function unreadable(path: string, finding: string): ConfigFault {
  const sentence = `The file ${path} cannot be read (${finding}); name a file that this user may read`;
  return { code: 'config-unreadable', sentence };
}

function objectOf(content: string): Result<Readonly<Record<string, unknown>>, string> {
  try {
    const json: unknown = JSON.parse(content);
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return ok({ ...json });
    return err('not an object');
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    // The engine's own message repeats the text around the fault: only its place is taken.
    const place = /line \d+ column \d+/.exec(cause.message)?.[0];
    return err(`not JSON${place === undefined ? '' : ` at ${place}`}`);
  }
}

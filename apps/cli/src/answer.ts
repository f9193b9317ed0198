// SPDX-License-Identifier: Apache-2.0
import { CommandFailure } from './failure.ts';

/** An answer of the server as JSON: its text for scripts, its fields for tables. */
export interface Answer {
  readonly text: string;
  readonly value: unknown;
}

/** Reads an answer; a server that sends something else than JSON is none of ours. */
export function parseAnswer(text: string): Answer {
  try {
    return { text, value: JSON.parse(text) };
  } catch (cause) {
    throw new CommandFailure(
      'failed',
      'The answer of the server is not JSON; is --server the address of an Outrider server?',
      { cause },
    );
  }
}

/**
 * The value at a path such as `manifest.version`, for a cell of a table. A server that is newer or older may lack a field;
 * a table then shows a dash where a script, which reads the JSON itself, decides what to do.
 */
export function cellAt(value: unknown, path: string): string | number | undefined {
  const found = valueAt(value, path);
  if (typeof found === 'string' || typeof found === 'number') return found;
  return typeof found === 'boolean' ? (found ? 'yes' : 'no') : undefined;
}

/** What stands at a path as JSON text, for what is too deep for a cell. */
export function jsonAt(value: unknown, path: string): string | undefined {
  return JSON.stringify(valueAt(value, path));
}

/** The list at a path; an empty one where there is none. An empty path means the value itself. */
export function listAt(value: unknown, path: string): readonly unknown[] {
  const found = valueAt(value, path);
  return Array.isArray(found) ? found : [];
}

/** The members of the object at a path, as pairs. */
export function recordAt(value: unknown, path: string): readonly (readonly [string, unknown])[] {
  const found = valueAt(value, path);
  return typeof found === 'object' && found !== null && !Array.isArray(found) ? Object.entries(found) : [];
}

/** An instant of fleet time at a path, as ISO 8601 to the second. */
export function timeAt(value: unknown, path: string): string | undefined {
  const ms = valueAt(value, path);
  return typeof ms === 'number' && Math.abs(ms) <= DATE_MS_MAX
    ? new Date(ms).toISOString().replace('.000Z', 'Z')
    : undefined;
}

/** ECMA-262 §21.4.1.1: what a Date can hold. */
const DATE_MS_MAX = 8.64e15;

function valueAt(value: unknown, path: string): unknown {
  let found = value;
  for (const name of path === '' ? [] : path.split('.')) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, name)) return undefined;
    found = new Map<string, unknown>(Object.entries(found)).get(name);
  }
  return found;
}

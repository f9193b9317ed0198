// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeParseError } from '@outrider/protocol/kernel/parse-error';
import { UsageError } from '../flag-values.ts';
import type { Broken } from './search/shrink.ts';
import { encodeCase, parseCase, type SimCase } from './sim-case.ts';

/** Keeps a case that broke a promise and answers with its path. */
export function keepCase(folder: string, { simCase, violation }: Broken, suffix?: string): string {
  mkdirSync(folder, { recursive: true });
  const name = [simCase.seed, ...(simCase.plant === undefined ? [] : [simCase.plant]), violation.oracle, suffix];
  const path = join(folder, `${name.filter((part) => part !== undefined).join('.')}.json`);
  writeFileSync(path, encodeCase(simCase, violation));
  return path;
}

/** Reads a case to be played again. Throws UsageError. */
export function readCase(path: string): SimCase {
  const parsed = parseCase(textOf(path));
  if (!parsed.ok) throw new UsageError(`The file ${path} is no case: ${describeParseError(parsed.error)}`);
  const { schema: _, violation: __, ...simCase } = parsed.value;
  return simCase;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`The case ${path} cannot be read (${reason}); name a file that a run has kept`, { cause });
  }
}

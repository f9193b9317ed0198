// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram } from '../scripts/step.ts';
import { ENGINES_FOLDER } from './engines-folder.ts';

/**
 * A folder with these packages of the Python Package Index at exact versions, for `PYTHONPATH`; fetched once into `.engines/`.
 * Needs `python3` with `pip` or `venv`; nothing is installed on the machine.
 */
export async function fromPypi(name: string, packages: readonly string[]): Promise<string> {
  const home = join(ENGINES_FOLDER, 'pypi', name);
  if (existsSync(home)) return home;
  mkdirSync(join(ENGINES_FOLDER, 'pypi'), { recursive: true });
  // Whole or not at all: a run that is cut leaves a folder that nobody looks at.
  const half = mkdtempSync(`${home}.half-`);
  const environment = join(half, 'environment');
  try {
    await run(half, 'python3', ['-m', 'venv', environment]);
    const flags = ['--quiet', '--disable-pip-version-check', '--no-input', '--only-binary=:all:'];
    const target = join(half, 'packages');
    await run(half, join(environment, 'bin', 'python'), [
      '-m',
      'pip',
      'install',
      ...flags,
      '--target',
      target,
      ...packages,
    ]);
    renameSync(target, home);
  } finally {
    rmSync(half, { recursive: true, force: true });
  }
  return home;
}

async function run(folder: string, program: string, words: readonly string[]): Promise<void> {
  const { code, output } = await runProgram(folder, program, words);
  if (code === 0) return;
  throw new Error(`\`${program} ${words.join(' ')}\` ended with ${code}; python3 with venv is needed: ${output}`);
}

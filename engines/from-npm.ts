// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram } from '../scripts/step.ts';
import { ENGINES_FOLDER } from './engines-folder.ts';

/**
 * The folder of a package of the npm registry at one exact version, with what it depends on beside it; fetched once into
 * `.engines/`. Its install scripts do not run.
 */
export async function fromNpm(name: string, version: string): Promise<string> {
  const home = join(ENGINES_FOLDER, 'npm', `${name.replaceAll('/', '+')}@${version}`);
  const packageFolder = join(home, 'node_modules', name);
  if (existsSync(packageFolder)) return packageFolder;
  mkdirSync(join(ENGINES_FOLDER, 'npm'), { recursive: true });
  // Whole or not at all: a run that is cut leaves a folder that nobody looks at.
  const half = mkdtempSync(`${home}.half-`);
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-save', '--json=false', '--loglevel=error'];
  const { code, output } = await runProgram(half, 'npm', ['install', ...flags, '--prefix', half, `${name}@${version}`]);
  if (code !== 0) {
    rmSync(half, { recursive: true, force: true });
    throw new Error(`${name}@${version} could not be fetched from the npm registry: ${output}`);
  }
  renameSync(half, home);
  return packageFolder;
}

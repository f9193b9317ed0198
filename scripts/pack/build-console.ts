// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import process from 'node:process';
import { runProgram } from '../step.ts';
import { PackError } from './errors.ts';

/** Builds the page for people into `outFolder`. Throws PackError. */
export async function buildConsole(root: string, outFolder: string): Promise<void> {
  const folder = join(root, 'apps', 'console');
  const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js');
  const flags = ['build', folder, '--config', join(folder, 'vite.config.ts'), '--outDir', outFolder, '--emptyOutDir'];
  const { code, output } = await runProgram(folder, process.execPath, [vite, ...flags]);
  if (code !== 0) throw new PackError(`The console could not be built: ${output}`);
}

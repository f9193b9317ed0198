// SPDX-License-Identifier: Apache-2.0
import { globSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram } from '../step.ts';
import { PackError } from './errors.ts';
import { OWN_PACKAGES } from './products.ts';

/**
 * Compiles an app to JavaScript: its main file, the files it starts threads from, and exactly what they reach, in the same
 * folders below `outFolder`. Throws PackError.
 */
export async function compile(options: {
  readonly root: string;
  /** For example `apps/server`. */
  readonly app: string;
  /** Below the app's `src`, for example `main.ts`. */
  readonly entries: readonly string[];
  readonly outFolder: string;
}): Promise<void> {
  const { root, app, entries, outFolder } = options;
  const source = join(root, app, 'src');
  // What a thread begins with is found by its name, since it is loaded and not imported.
  const threads = globSync('**/*-worker.ts', { cwd: source });
  const project = join(outFolder, 'tsconfig.json');
  const files = [...entries, ...threads].map((file) => join(source, file));
  writeFileSync(project, JSON.stringify(projectOf(root, outFolder, files)));
  const tsc = join(root, 'node_modules', '.bin', 'tsc');
  const { code, output } = await runProgram(root, tsc, ['-p', project, '--pretty', 'false']);
  if (code !== 0) throw new PackError(`${app} does not compile: ${output}`);
}

function projectOf(root: string, outDir: string, files: readonly string[]): object {
  return {
    extends: join(root, 'tsconfig.base.json'),
    compilerOptions: {
      noEmit: false,
      incremental: false,
      rewriteRelativeImportExtensions: true,
      rootDir: root,
      outDir,
      typeRoots: [join(root, 'node_modules', '@types')],
      // Found as sources, not as somebody's installed packages: so they are compiled as well.
      paths: Object.fromEntries(
        OWN_PACKAGES.map(({ name, folder }) => [`${name}/*`, [join(root, folder, 'src', '*.ts')]]),
      ),
    },
    files,
  };
}

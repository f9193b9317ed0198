// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fromDebian } from './postgresql/debian-packages.ts';

/** A program of Debian, taken apart in a folder for temporary files, with the libraries it needs. */
export interface DebianProgram {
  readonly version: string;
  /** A folder that ends with it. */
  readonly home: string;
  /** Where it lies, and what it must find around it, for those who start it in their own way. */
  readonly program: string;
  readonly environment: { readonly LD_LIBRARY_PATH: string };
  run(...parameters: readonly string[]): Promise<string>;
  /** Starts it; `remove` ends it. */
  start(...parameters: readonly string[]): ChildProcess;
  remove(): Promise<void>;
}

/** Fetches it once; nothing is installed on this machine. `path` is that of the program below the root of the package. */
export async function debianProgram(wanted: {
  readonly name: string;
  readonly version: string;
  readonly series: string;
  readonly path: string;
}): Promise<DebianProgram> {
  const { version, files } = await fromDebian(wanted);
  const home = mkdtempSync(join(tmpdir(), `outrider-${wanted.name}-`));
  const root = join(home, 'root');
  for (const file of files) await promisify(execFile)('dpkg-deb', ['--extract', file, root]);
  const libraries = globSync(['usr/lib/*-linux-gnu', 'lib/*-linux-gnu'], { cwd: root }).map((one) => join(root, one));
  const environment = { LD_LIBRARY_PATH: libraries.join(':') };
  const options = { env: environment, cwd: home };
  const program = join(root, wanted.path);
  const children: ChildProcess[] = [];
  return {
    ...{ version, home, program, environment },
    run: async (...parameters) => (await promisify(execFile)(program, [...parameters], options)).stdout,
    start(...parameters) {
      const child = spawn(program, [...parameters], { ...options, stdio: 'ignore' });
      children.push(child);
      return child;
    },
    async remove() {
      for (const child of children) {
        if (child.exitCode !== null || child.signalCode !== null) continue;
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
      rmSync(home, { recursive: true });
    },
  };
}

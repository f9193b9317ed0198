// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { runProgram } from '../step.ts';
import { PackError } from './errors.ts';
import { PRODUCTS } from './products.ts';
import { stage } from './stage.ts';

/** Builds every product and packs it into a tarball in `folder`, which is made if it is missing. Answers their paths. Throws PackError. */
export async function packAll(root: string, folder: string): Promise<readonly string[]> {
  mkdirSync(folder, { recursive: true });
  const workshop = mkdtempSync(join(tmpdir(), 'outrider-pack-'));
  try {
    const tarballs: string[] = [];
    for (const product of PRODUCTS) {
      const staged = join(workshop, basename(product.folder));
      await stage(root, product, staged);
      tarballs.push(await npmPack(staged, folder));
    }
    return tarballs;
  } finally {
    rmSync(workshop, { recursive: true, force: true });
  }
}

async function npmPack(staged: string, folder: string): Promise<string> {
  // Settings of a person, or of the npm that runs this, must change nothing of what comes out.
  const flags = ['--json=false', '--dry-run=false', '--ignore-scripts', '--loglevel=error'];
  const { code, output } = await runProgram(staged, 'npm', ['pack', ...flags, '--pack-destination', folder]);
  const name = output.split('\n').findLast((line) => line.endsWith('.tgz'));
  if (code !== 0 || name === undefined) throw new PackError(`npm pack ended with ${code}: ${output}`);
  return join(folder, name);
}

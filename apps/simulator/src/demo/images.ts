// SPDX-License-Identifier: Apache-2.0
import { createReadStream, createWriteStream } from 'node:fs';
import { chmod, copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { packImage } from '@outrider/adapters/shared/image';
import { listBlocks } from '@outrider/delta/block-list';
import type { Image } from '@outrider/domain/release/release';
import { DemoFault } from './fault.ts';

/** An image on disk, as the manifest names it, with its block list. */
export interface BuiltImage {
  readonly version: string;
  readonly image: Image;
  readonly blocks: Uint8Array;
  readonly path: string;
}

/** What goes into an image: a real program and the launcher that starts it. */
export interface Recipe {
  readonly version: string;
  /** Which build of the program: the one before, or the newer one. */
  readonly program: 'former' | 'newer';
  /** The launcher gives up on this hardware revision: a defect that only some devices have. */
  readonly failsOnHardwareId?: string;
}

/**
 * Packs launcher and program into a deterministic image in `folder`. The program is esbuild, a native executable from
 * the npm registry. Throws DemoFault where the registry has no build for this machine.
 */
export async function buildImage(folder: string, recipe: Recipe): Promise<BuiltImage> {
  const tree = join(folder, `tree-${recipe.version}`);
  await rm(tree, { recursive: true, force: true });
  await mkdir(tree, { recursive: true });
  await copyFile(programPath(recipe.program), join(tree, 'esbuild'));
  await chmod(join(tree, 'esbuild'), 0o755);
  await writeFile(join(tree, 'launcher'), launcherText(recipe), { mode: 0o755 });
  const packed = await packImage(tree);
  if (!packed.ok) throw new DemoFault(packed.error.detail);
  const path = join(folder, `${recipe.version}.image`);
  await pipeline(packed.value, createWriteStream(path));
  await rm(tree, { recursive: true, force: true });
  const { image, blocks } = await listBlocks(createReadStream(path));
  return { version: recipe.version, image, blocks, path };
}

/** The health check that the image carries: it starts the program and wants the right answer from it. */
function launcherText({ version, failsOnHardwareId }: Recipe): string {
  const defect =
    failsOnHardwareId === undefined
      ? []
      : [
          `if [ "\${OUTRIDER_HARDWARE_ID:-}" = "${failsOnHardwareId}" ]; then`,
          `  echo "launcher ${version}: the camera of ${failsOnHardwareId} does not answer" >&2`,
          '  exit 1',
          'fi',
        ];
  return [
    '#!/bin/sh',
    `# Starts version ${version} and checks that it works: exit code 0 is healthy.`,
    'cd "$(dirname "$0")" || exit 1',
    ...defect,
    `answer=$(printf 'let  answer = 6*7;\\n' | ./esbuild --minify) || exit 1`,
    `if [ "$answer" != 'let answer=42;' ]; then`,
    `  echo "launcher ${version}: unexpected answer: $answer" >&2`,
    '  exit 1',
    'fi',
    `echo "launcher ${version}: healthy"`,
    '',
  ].join('\n');
}

/** Where npm put the build for this platform: packages under two aliases, one for each version of the program. */
function programPath(program: Recipe['program']): string {
  const name = `esbuild-${program}-${process.platform}-${process.arch}`;
  try {
    return createRequire(import.meta.url).resolve(`${name}/bin/esbuild`);
  } catch (cause) {
    throw new DemoFault(
      `The package ${name} is not installed: the demonstration runs on linux-x64, linux-arm64 and darwin-arm64, install with npm ci without --omit=optional`,
      { cause },
    );
  }
}

// SPDX-License-Identifier: Apache-2.0
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { brotliDecompressSync } from 'node:zlib';
import { type Browser, chromium } from 'playwright-core';
import { runProgram } from '../../scripts/step.ts';
import { ENGINES_FOLDER } from '../engines-folder.ts';
import { fromNpm } from '../from-npm.ts';

/** A real Chromium inside a package of the npm registry, with the few libraries and the font that a bare system lacks. */
const PACKAGE = { name: '@sparticuz/chromium', version: '153.0.0' } as const;

/** Unpacks Chromium once into `.engines/` and starts it without a window. Throws an Error where there is none for this machine. */
export async function startChromium(): Promise<Browser> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    const machine = `${process.platform}-${process.arch}`;
    throw new Error(`The pinned Chromium is for linux-x64, this is ${machine}: run this test there`);
  }
  const home = await unpacked();
  return chromium.launch({
    executablePath: join(home, 'chromium'),
    // Its sandbox wants a user who is not root and rights that containers seldom have; the only pages it opens are ours.
    args: ['--no-sandbox'],
    env: {
      ...process.env,
      FONTCONFIG_PATH: join(home, 'fonts'),
      // The system's own libraries come first; these are for systems without them.
      LD_LIBRARY_PATH: `${SYSTEM_LIBRARIES}:${join(home, 'libraries', 'lib')}`,
    },
  });
}

const SYSTEM_LIBRARIES = '/lib/x86_64-linux-gnu:/usr/lib64';

async function unpacked(): Promise<string> {
  const home = join(ENGINES_FOLDER, `chromium@${PACKAGE.version}`);
  if (existsSync(home)) return home;
  const bin = join(await fromNpm(PACKAGE.name, PACKAGE.version), 'bin');
  // Whole or not at all: a run that is cut leaves a folder that nobody looks at.
  const half = mkdtempSync(`${home}.half-`);
  const program = join(half, 'chromium');
  writeFileSync(program, brotliDecompressSync(readFileSync(join(bin, 'chromium.br'))));
  chmodSync(program, 0o755);
  for (const [archive, folder] of [
    ['al2023.tar.br', 'libraries'],
    ['fonts.tar.br', 'fonts'],
  ] as const) {
    const [tar, into] = [join(half, `${folder}.tar`), join(half, folder)];
    mkdirSync(into);
    writeFileSync(tar, brotliDecompressSync(readFileSync(join(bin, archive))));
    const { code, output } = await runProgram(half, 'tar', ['-xf', tar, '-C', into]);
    if (code !== 0) throw new Error(`${archive} could not be unpacked: ${output}`);
    rmSync(tar);
  }
  writeFileSync(join(half, 'fonts', 'fonts.conf'), fontsOf(join(home, 'fonts')));
  renameSync(half, home);
  return home;
}

function fontsOf(folder: string): string {
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>${folder}</dir><cachedir>${folder}/cache</cachedir></fontconfig>
`;
}

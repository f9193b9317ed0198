// SPDX-License-Identifier: Apache-2.0
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { CommandFailure } from './failure.ts';

/** What the command line starts as a child process: no app imports an app. */
export type ProgramName = 'server' | 'demonstration';

/** As this very file is called: TypeScript in the checkout, JavaScript where it is installed. */
export const isCheckout = import.meta.url.endsWith('.ts');

/** The checkout's root, or the installed package's folder. */
const home = isCheckout ? dirname(dirname(dirname(import.meta.dirname))) : dirname(import.meta.dirname);

/** Where data lies when nothing names a folder: at the root of the checkout, or, installed, where the person stands. */
export function defaultRoot(workingFolder: string): string {
  return isCheckout ? home : workingFolder;
}

/** Where a program's main file is. Throws CommandFailure when it was not installed. */
export function findProgram(name: ProgramName): string {
  return isCheckout ? join(home, SOURCES[name]) : findInstalled(name);
}

const SOURCES: Readonly<Record<ProgramName, string>> = {
  server: 'apps/server/src/main.ts',
  demonstration: 'apps/simulator/src/demo/main.ts',
};

/** The package of the same version that npm put beside this one. */
const SERVER_PACKAGE = '@outrider/server';

function findInstalled(name: ProgramName): string {
  if (name === 'demonstration') {
    const detail =
      'The demonstration is in the repository only, with the fleet it plays; run `npm start` in a checkout';
    throw new CommandFailure('not-found', detail, { code: 'program-not-installed' });
  }
  try {
    return join(dirname(createRequire(import.meta.url).resolve(`${SERVER_PACKAGE}/package.json`)), 'dist', 'main.js');
  } catch (cause) {
    const detail = `The package ${SERVER_PACKAGE} is not installed beside this command line; install it there, of the same version`;
    throw new CommandFailure('not-found', detail, { code: 'program-not-installed', cause });
  }
}

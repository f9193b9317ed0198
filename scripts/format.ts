// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { checkoutRoot } from './gates.ts';
import { runProgram } from './step.ts';

/** Formats, sorts imports and applies every fix that cannot change what a program does. */
const root = checkoutRoot();
const paths = process.argv.length > 2 ? process.argv.slice(2) : ['.'];
const { code, output } = await runProgram(root, join(root, 'node_modules', '.bin', 'biome'), [
  'check',
  '--write',
  ...paths,
]);
process.stdout.write(`${output}\n`);
process.exitCode = code;

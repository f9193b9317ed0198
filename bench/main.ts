// SPDX-License-Identifier: Apache-2.0
import { checkoutRoot } from '../scripts/gates.ts';
import { measure } from '../scripts/measure.ts';

/** `npm run bench -- <name> [--json]`: one script a number, ours beside the peer's. */
process.exitCode = await measure({
  verb: 'bench',
  root: checkoutRoot(),
  folder: 'bench',
  parameters: process.argv.slice(2),
  seed: process.env.SEED ?? '42',
  isProof: false,
  write: (text) => process.stdout.write(text),
  log: (line) => process.stderr.write(`${line}\n`),
});

// SPDX-License-Identifier: Apache-2.0
import { checkoutRoot } from '../scripts/gates.ts';
import { measure } from '../scripts/measure.ts';

/** Broken off, it still ends by `exit`, so that what it started can be stopped. 130 and 143: as a shell names them. */
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));

/** `npm run prove -- <name> [--json]`: a promise of the product, shown on the whole system; ends with 1 when one is broken. */
process.exitCode = await measure({
  verb: 'prove',
  root: checkoutRoot(),
  folder: 'scenarios',
  parameters: process.argv.slice(2),
  seed: process.env.SEED ?? '42',
  isProof: true,
  write: (text) => process.stdout.write(text),
  log: (line) => process.stderr.write(`${line}\n`),
});

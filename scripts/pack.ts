// SPDX-License-Identifier: Apache-2.0
import { statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { checkoutRoot } from './gates.ts';
import { PackError } from './pack/errors.ts';
import { packAll } from './pack/pack-all.ts';

const USAGE = `Usage: npm run pack [-- --out <folder>]
  --out  where the tarballs go (default: dist in the checkout)
`;

await main();

/** `npm run pack`: server, agent and command line as tarballs that \`npm install\` takes anywhere. */
async function main(): Promise<void> {
  const root = checkoutRoot();
  const out = outFolder(root);
  if (out === undefined) return;
  try {
    for (const tarball of await packAll(root, out)) {
      const kibibytes = Math.ceil(statSync(tarball).size / 1_024);
      process.stdout.write(`${relative(process.cwd(), tarball)}  ${kibibytes} KiB\n`);
    }
  } catch (cause) {
    if (!(cause instanceof PackError)) throw cause;
    process.stderr.write(`pack: ${cause.message}\n`);
    process.exitCode = 1;
  }
}

function outFolder(root: string): string | undefined {
  try {
    const { out, help } = parseArgs({ options: { out: { type: 'string' }, help: { type: 'boolean' } } }).values;
    if (help === true) process.stdout.write(USAGE);
    else return out === undefined ? join(root, 'dist') : resolve(process.env.INIT_CWD ?? process.cwd(), out);
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    process.stderr.write(`pack: ${cause.message}\n${USAGE}`);
    process.exitCode = 2;
  }
  return undefined;
}

// SPDX-License-Identifier: Apache-2.0
import process from 'node:process';
import { checkoutRoot, testFiles } from './gates.ts';
import { runTests } from './run-tests.ts';

/**
 * Every test of `engines/`: those that need something from outside, which they fetch by pinned version into `.engines/`. With words,
 * only the files whose names hold one of them.
 */
const root = checkoutRoot();
const words = process.argv.slice(2);
const files = testFiles(root, ['engines']);
const chosen = words.length === 0 ? files : files.filter((file) => words.some((word) => file.includes(word)));
if (chosen.length === 0) process.stderr.write(`No file is named so; there are ${files.join(', ')}\n`);
const run = await runTests(root, chosen, true);
if (run.tests === 0) process.stderr.write('No test ran: a run that looked at nothing fails\n');
process.exitCode = run.isPassed ? 0 : 1;

// SPDX-License-Identifier: Apache-2.0
import { checkoutRoot, gates, testFiles } from './gates.ts';
import { runTests } from './run-tests.ts';
import { runSteps } from './step.ts';

/** Everything that needs no outside engine: first the gates, then each test file of the tree. */
const FOLDERS = ['packages', 'apps', 'scripts', 'scenarios', 'bench'];

const root = checkoutRoot();
const isTidy = await runSteps(root, gates(root));
const run = await runTests(root, testFiles(root, FOLDERS), true);
if (!isTidy) process.stderr.write('A gate failed before the tests: see the rows marked FAIL above\n');
if (run.tests === 0) process.stderr.write('No test ran: a run that looked at nothing fails\n');
process.exitCode = isTidy && run.isPassed ? 0 : 1;

// SPDX-License-Identifier: Apache-2.0
import { checkoutRoot, gates, testFiles } from './gates.ts';
import { runTests } from './run-tests.ts';
import { runSteps, type Step } from './step.ts';

/** The fast gate: types, tidy, format and lint, and the unit tests of everything pure. Under two minutes, or something moves. */
const PURE = ['packages/domain', 'packages/protocol', 'scripts'];

const pureTests: Step = {
  name: 'tests of pure code',
  async run(root) {
    const { isPassed, tests, failed, output } = await runTests(root, testFiles(root, PURE), false);
    return { isPassed, seen: `${tests} tests, ${failed} failed`, output: failuresOf(output) };
  },
};

/** The runner repeats the failed tests at its end; the long list before it is left out. */
function failuresOf(output: string): string {
  const at = output.indexOf('✖ failing tests:');
  return at === -1 ? output : output.slice(at);
}

const root = checkoutRoot();
const isPassed = await runSteps(root, [...gates(root), pureTests]);
process.stdout.write(isPassed ? 'All gates passed\n' : 'A gate failed: mend what stands above and run it again\n');
process.exitCode = isPassed ? 0 : 1;

// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { runTests } from './run-tests.ts';

const folder = mkdtempSync(join(tmpdir(), 'run-tests-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const root = dirname(import.meta.dirname);

test('a run without a file is no pass', async () => {
  assert.equal((await runTests(root, [], false)).isPassed, false);
});

test('passed and failed tests are counted by the runner itself', async () => {
  const run = await runTests(
    root,
    [
      plant('good', `test('a', () => {}); test('b', () => {});`),
      plant('bad', `test('c', () => { throw new Error('broken'); });`),
    ],
    false,
  );
  assert.deepEqual([run.tests, run.passed, run.failed, run.isPassed], [3, 2, 1, false]);
  assert.match(run.output, /broken/);
});

test('a file that cannot be loaded is a failure', async () => {
  const run = await runTests(root, [plant('broken', 'this is no program')], false);
  assert.equal(run.isPassed, false);
});

test('a file without a test is no pass', async () => {
  const run = await runTests(root, [plant('empty', '')], false);
  assert.deepEqual([run.tests, run.isPassed], [0, false]);
});

test('a file that leaves something running behind a failed test ends, and names it', async () => {
  process.env.OUTRIDER_TEST_GRACE_MS = '100';
  after(() => delete process.env.OUTRIDER_TEST_GRACE_MS);
  const leak = `import { createServer } from 'node:net'; test('e', () => { createServer().listen(0, '127.0.0.1'); });`;
  const run = await runTests(root, [plant('leak', leak)], false);
  assert.equal(run.isPassed, false);
});

function plant(name: string, text: string): string {
  const path = join(folder, `${name}.test.ts`);
  writeFileSync(path, `import { test } from 'node:test';\n${text}\n`);
  return path;
}

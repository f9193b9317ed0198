// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseTestCounts, type TestCounts } from './test-counts.ts';

/** What a run of node:test came to. */
export interface TestRun extends TestCounts {
  readonly isPassed: boolean;
  /** Only when not shown in the terminal. */
  readonly output: string;
}

/** Two files at a time: the machines we promise to be quick on have two cores. */
const CONCURRENCY = 2;

/** Runs these test files with Node's runner; `isShown` prints its report to the terminal as it goes. */
export async function runTests(root: string, files: readonly string[], isShown: boolean): Promise<TestRun> {
  if (files.length === 0)
    return { tests: 0, passed: 0, failed: 0, skipped: 0, isPassed: false, output: 'No test file was found' };
  const folder = mkdtempSync(join(tmpdir(), 'outrider-tests-'));
  const countsFile = join(folder, 'counts.json');
  try {
    const { code, output } = await run(root, parametersOf(root, files, countsFile), isShown);
    const counts = parseTestCounts(readFileSync(countsFile, { encoding: 'utf8', flag: 'a+' }));
    return { ...counts, isPassed: code === 0 && counts.tests > 0 && counts.failed === 0, output };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function parametersOf(root: string, files: readonly string[], countsFile: string): readonly string[] {
  return [
    '--disable-warning=ExperimentalWarning',
    '--test',
    `--import=${pathToFileURL(join(root, 'scripts', 'end-with-the-tests.ts'))}`,
    `--test-concurrency=${CONCURRENCY}`,
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    `--test-reporter=${join(root, 'scripts', 'test-counts.ts')}`,
    `--test-reporter-destination=${countsFile}`,
    ...files,
  ];
}

function run(
  root: string,
  parameters: readonly string[],
  isShown: boolean,
): Promise<{ readonly code: number; readonly output: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, parameters, {
      cwd: root,
      stdio: ['ignore', isShown ? 'inherit' : 'pipe', 'inherit'],
      env: withoutTestContext(process.env),
    });
    const chunks: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('error', (cause) => resolve({ code: 1, output: cause.message }));
    child.on('close', (code) => resolve({ code: code ?? 1, output: Buffer.concat(chunks).toString('utf8').trim() }));
  });
}

/** Set by a runner for its own test files: a runner started inside a test would take itself for one of them. */
function withoutTestContext({ NODE_TEST_CONTEXT: _, ...environment }: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return environment;
}

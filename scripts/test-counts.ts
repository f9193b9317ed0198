// SPDX-License-Identifier: Apache-2.0

/** What the runner hands a reporter; the summary of the whole run matters here, and files that stand for themselves. */
interface RunnerEvent {
  readonly type: string;
  readonly data: { readonly name?: string; readonly file?: string; readonly counts?: Readonly<Record<string, number>> };
}

/** How many tests ran, as the runner itself counted them. */
export interface TestCounts {
  readonly tests: number;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/**
 * A reporter for node:test that writes one JSON object: the counts of the whole run. Read by `check` and `test`, so that
 * a run that found no test is a failure and not a pass. A file without a test is a failure as well.
 */
export default async function* counts(source: AsyncIterable<RunnerEvent>): AsyncGenerator<string> {
  let empty = 0;
  for await (const { type, data } of source) {
    if (type === 'test:pass' && isFileItself(data)) empty++;
    if (type !== 'test:summary' || data.file !== undefined || data.counts === undefined) continue;
    const { tests = 0, passed = 0, failed = 0, cancelled = 0, skipped = 0, todo = 0 } = data.counts;
    const summary: TestCounts = {
      tests: tests - empty,
      passed: passed - empty,
      failed: failed + cancelled + empty,
      skipped: skipped + todo,
    };
    yield `${JSON.stringify(summary)}\n`;
  }
}

/** The runner counts a file without any test as one test that passed, under the file's name. */
function isFileItself({ name, file }: RunnerEvent['data']): boolean {
  return name !== undefined && file !== undefined && name.endsWith('.test.ts') && file.endsWith(name);
}

/** Reads what the reporter wrote; nothing written means that the runner itself broke. */
export function parseTestCounts(text: string): TestCounts {
  const values: Partial<TestCounts> = text.trim() === '' ? {} : JSON.parse(text);
  const { tests = 0, passed = 0, failed = 0, skipped = 0 } = values;
  return { tests, passed, failed, skipped };
}

// SPDX-License-Identifier: Apache-2.0

/** What the runner hands a reporter; only the summary of the whole run matters here. */
interface RunnerEvent {
  readonly type: string;
  readonly data: { readonly file?: string; readonly counts?: Readonly<Record<string, number>> };
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
 * a run that found no test is a failure and not a pass.
 */
export default async function* counts(source: AsyncIterable<RunnerEvent>): AsyncGenerator<string> {
  for await (const { type, data } of source) {
    if (type !== 'test:summary' || data.file !== undefined || data.counts === undefined) continue;
    const { tests = 0, passed = 0, failed = 0, cancelled = 0, skipped = 0, todo = 0 } = data.counts;
    const summary: TestCounts = { tests, passed, failed: failed + cancelled, skipped: skipped + todo };
    yield `${JSON.stringify(summary)}\n`;
  }
}

/** Reads what the reporter wrote; nothing written means that the runner itself broke. */
export function parseTestCounts(text: string): TestCounts {
  const values: Partial<TestCounts> = text.trim() === '' ? {} : JSON.parse(text);
  const { tests = 0, passed = 0, failed = 0, skipped = 0 } = values;
  return { tests, passed, failed, skipped };
}

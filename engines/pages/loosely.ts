// SPDX-License-Identifier: Apache-2.0

/** A line of a page that stands for any number of lines of the answer. */
const ELLIPSIS = '...';

/**
 * Whether an answer says what a page shows. Instants, digests and figures differ from run to run and count as equal; words, versions,
 * names and the order of lines do not. Between two `...` the lines stand without a gap; after the last one the answer may go on.
 */
export function saysLoosely(answer: string, expected: readonly string[]): boolean {
  const lines = answer
    .split('\n')
    .map(loose)
    .filter((line) => line !== '');
  let from = 0;
  let mayskip = true;
  for (const wanted of expected.map(loose)) {
    if (wanted === ELLIPSIS) {
      mayskip = true;
      continue;
    }
    const at = mayskip ? lines.indexOf(wanted, from) : from;
    if (at === -1 || lines[at] !== wanted) return false;
    from = at + 1;
    mayskip = false;
  }
  return true;
}

/** A line without what differs from run to run. */
export function loose(line: string): string {
  return line
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<instant>')
    .replaceAll(/\b[0-9a-f]{16,}\b/g, '<digest>')
    .replaceAll(/(?:\/[\w.-]+)+\/outrider-[\w-]+/g, '<folder>')
    .replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:<port>')
    .replaceAll(/(?<![\w.-])-?\d+(?:\.\d+)?(?![\w-]|\.\d)/g, '<figure>')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

// SPDX-License-Identifier: Apache-2.0

/** A line of a page that stands for any number of lines of the answer. */
const ELLIPSIS = '...';

/**
 * Whether an answer says what a page shows. Instants, digests and figures differ from run to run and count as equal; words, versions,
 * names and the order of lines do not. What comes before the first line may be anything; `...` as a line stands for any lines, at the end of a line for the rest of it; otherwise the
 * lines stand without a gap, and after the last one the answer may go on.
 */
export function saysLoosely(answer: string, expected: readonly string[]): boolean {
  const lines = answer
    .split('\n')
    .map(loose)
    .filter((line) => line !== '');
  let from = 0;
  let maySkip = true;
  for (const wanted of expected.map(loose)) {
    if (wanted === ELLIPSIS) {
      maySkip = true;
      continue;
    }
    const at = maySkip ? lines.findIndex((line, index) => index >= from && isLike(line, wanted)) : from;
    if (at === -1 || !isLike(lines[at], wanted)) return false;
    from = at + 1;
    maySkip = false;
  }
  return true;
}

function isLike(line: string | undefined, wanted: string): boolean {
  if (line === undefined) return false;
  return wanted.endsWith(ELLIPSIS) ? line.startsWith(wanted.slice(0, -ELLIPSIS.length)) : line === wanted;
}

/** A line without what differs from run to run. */
export function loose(line: string): string {
  return line
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<instant>')
    .replaceAll(/\b[0-9a-f]{16,}\b/g, '<digest>')
    .replaceAll(/(?<![\w:/.])(?:\/[\w.-]+)+\//g, '<folder>/')
    .replaceAll(/\d+(?:\.\d+)? [kMG]?B\b/g, '<bytes>')
    .replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:<port>')
    .replaceAll(/(?<![\w.-])-?\d+(?:\.\d+)?(?![\w-]|\.\d)/g, '<figure>')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

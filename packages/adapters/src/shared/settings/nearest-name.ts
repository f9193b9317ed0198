// SPDX-License-Identifier: Apache-2.0

/** The known name that was most likely meant, or undefined when none is near: up to a third of the letters may differ. */
export function nearestName(seen: string, known: readonly string[]): string | undefined {
  const wanted = plain(seen);
  const [best] = known
    .map((name) => ({ name, distance: distanceOf(wanted, plain(name)) }))
    .filter(({ distance }) => distance * DIFFERING_SHARE <= Math.max(wanted.length, 1))
    .sort((a, b) => a.distance - b.distance);
  return best?.name;
}

/** A name that only goes on, as `databaseUrlFile` after `databaseUrl`, is nearer than its letters say. */
function distanceOf(wanted: string, name: string): number {
  const isBeginning = wanted.length >= BEGINNING_LETTERS_MIN && name.startsWith(wanted);
  return isBeginning ? 1 : editDistance(wanted, name);
}

/** Fewer letters begin too many names. */
const BEGINNING_LETTERS_MIN = 4;

/** Three letters of ten: "prot" is "port", "colour" is nothing. */
const DIFFERING_SHARE = 3;
/** Longer names are compared by their beginning: the work stays bounded whatever a file holds. */
const LETTERS_MAX = 64;

/** Case and separators are what people mix up most: `log_level`, `LogLevel` and `log-level` are one name. */
function plain(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, '')
    .slice(0, LETTERS_MAX);
}

/** Damerau and Levenshtein's distance (two neighbours swapped count once), a row at a time. */
function editDistance(a: string, b: string): number {
  let before: readonly number[] = [];
  let row: readonly number[] = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      const at = (cells: readonly number[], index: number) => cells[index] ?? Number.POSITIVE_INFINITY;
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      next.push(
        Math.min(
          at(row, j) + 1,
          at(next, j - 1) + 1,
          at(row, j - 1) + (isSame ? 0 : 1),
          isSwap ? at(before, j - 2) + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}

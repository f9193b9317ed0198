// SPDX-License-Identifier: Apache-2.0

/** How much of a whole is used and open, in characters that need no colour: `#` used, `+` open, `.` the rest. */
export function exposureBar(
  counts: { readonly granted: number; readonly cap: number; readonly population: number },
  width: number,
): string {
  const { granted, cap, population } = counts;
  const cells = (count: number) => Math.min(width, Math.round((width * count) / Math.max(1, population)));
  const full = Math.max(cells(granted), granted > 0 ? 1 : 0);
  const open = Math.max(0, cells(cap) - full);
  return '#'.repeat(full) + '+'.repeat(open) + '.'.repeat(Math.max(0, width - full - open));
}

/** How far a value has come to its limit: `=` up to it, blank beyond. */
export function gaugeBar(value: number, limit: number, width: number): string {
  const filled = Math.min(width, Math.max(0, Math.round((width * value) / limit)));
  return '='.repeat(filled) + ' '.repeat(width - filled);
}

/** A line of at most `columns` characters, without what could drive the terminal: it may come from anywhere. */
export function cutLine(line: string, columns: number): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what must not reach a terminal
  const safe = line.replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');
  return safe.length <= columns ? safe : safe.slice(0, Math.max(0, columns));
}

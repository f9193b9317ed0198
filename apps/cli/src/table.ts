// SPDX-License-Identifier: Apache-2.0

/** One column of a table: its title and the cell of a row. Numbers stand to the right. */
export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string | number | undefined;
}

/** An aligned table with a head, readable without colour and safe to cut by spaces: two of them between columns. */
export function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const cells = rows.map((row) => columns.map(({ cell }) => cell(row)));
  const texts = [
    columns.map(({ title }) => title),
    ...cells.map((row) => row.map((cell) => oneLine(String(cell ?? '-')))),
  ];
  const widths = columns.map((_, index) => Math.max(...texts.map((row) => row[index]?.length ?? 0)));
  const isRight = columns.map((_, index) => cells.length > 0 && cells.every((row) => typeof row[index] === 'number'));
  return texts
    .map((row) =>
      row
        .map((text, index) =>
          isRight[index] === true ? text.padStart(widths[index] ?? 0) : text.padEnd(widths[index] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}

/** One line of a card. */
export type Field = readonly [name: string, value: string | number | undefined];

/** Names and values under each other, for one thing shown in full. */
export function card(fields: readonly Field[]): string {
  const width = Math.max(0, ...fields.map(([name]) => name.length));
  return fields
    .map(([name, value]) => `${`${name.padEnd(width)}  ${oneLine(String(value ?? '-'))}`.trimEnd()}\n`)
    .join('');
}

/** What came from outside must not break the layout or drive the terminal. */
function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what must not reach a terminal
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');
}

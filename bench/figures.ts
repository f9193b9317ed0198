// SPDX-License-Identifier: Apache-2.0

/** One measured number beside its goal. A module of `bench/` or `scenarios/` gives a list of them. */
export interface Figure {
  /** What was measured, in words a reader understands without the code. */
  readonly figure: string;
  readonly value: number;
  /** For example `ms`, `devices`, `check-ins/s`, or `yes/no` with 1 and 0. */
  readonly unit: string;
  /** Who or what it is compared with, on the same machine and data. */
  readonly peer?: string;
  /** Ours divided by the peer's, or the other way round: the goal says which way is better. */
  readonly ratio?: number;
  /** In words with a number, for example `<= 50 ms`. */
  readonly goal: string;
  readonly holds: boolean;
}

/** What a measuring module is given. */
export interface MeasureOptions {
  /** The root of the checkout. */
  readonly root: string;
  /** From SEED, or the fixed default: the same seed measures the same runs. */
  readonly seed: string;
  /** A line for the person who waits; goes to standard error. */
  readonly log: (line: string) => void;
  /** The module's own flags, each with its value or its default. */
  readonly flags: Readonly<Record<string, number>>;
}

/** A flag of one module: a whole number, given as `--<name> <number>`. */
export interface WholeFlag {
  /** What it sets, for the person who called it wrongly. */
  readonly sentence: string;
  readonly default: number;
  readonly min: number;
  readonly max: number;
}

/** A module of `bench/` or `scenarios/`. */
export interface MeasureModule {
  readonly name: string;
  readonly flags?: Readonly<Record<string, WholeFlag>>;
  readonly run: (options: MeasureOptions) => Promise<readonly Figure[]>;
}

/** An aligned table for people: one row a figure, the missed goals marked. */
export function figureTable(figures: readonly Figure[]): string {
  const head = ['figure', 'value', 'unit', 'peer', 'ratio', 'goal', 'holds'];
  const rows = figures.map((one) => [
    one.figure,
    shortNumber(one.value),
    one.unit,
    one.peer ?? '',
    one.ratio === undefined ? '' : shortNumber(one.ratio),
    one.goal,
    one.holds ? 'yes' : 'NO',
  ]);
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const isNumber = (column: number): boolean => column === 1 || column === 4;
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, column) =>
          isNumber(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Whole numbers in full, others with four significant digits. */
export function shortNumber(value: number): string {
  if (Number.isInteger(value) || !Number.isFinite(value)) return String(value);
  return String(Number(value.toPrecision(4)));
}

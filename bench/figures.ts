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
  /** Measured on less than the goal speaks of: it may fail the proof, but not carry it. */
  readonly isReduced?: true;
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
  /** The module's lists that were given; absent: all that is allowed. */
  readonly lists?: Readonly<Record<string, readonly string[]>>;
}

/** A flag of one module: a whole number, given as `--<name> <number>`. */
export interface WholeFlag {
  /** What it sets, for the person who called it wrongly. */
  readonly sentence: string;
  readonly default: number;
  readonly min: number;
  readonly max: number;
}

/** A flag of one module that picks from a list, given as `--<name> <one>,<other>`; not given: all of it. */
export interface ListFlag {
  readonly sentence: string;
  readonly allowed: readonly string[];
}

/** A module of `bench/` or `scenarios/`. */
export interface MeasureModule {
  readonly name: string;
  readonly flags?: Readonly<Record<string, WholeFlag>>;
  readonly lists?: Readonly<Record<string, ListFlag>>;
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
    verdictText(one),
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

/** A reduced measurement that holds is no proof, and says so in its row. */
function verdictText({ holds, isReduced }: Figure): string {
  if (!holds) return 'NO';
  return isReduced ? 'yes (reduced)' : 'yes';
}

/** Whole numbers in full, others with four significant digits. */
export function shortNumber(value: number): string {
  if (Number.isInteger(value) || !Number.isFinite(value)) return String(value);
  return String(Number(value.toPrecision(4)));
}

// SPDX-License-Identifier: Apache-2.0

/** Counts by reason what a server answers and does: refusals and "not yet" are answers that people want to see grouped. */
export interface Counters {
  /** Adds one to `code` of `family`, for example `refusal`, `not-in-audience`. Both are closed sets of the code. */
  add(family: CounterFamily, code: string): void;
  read(): CounterValues;
}

export type CounterFamily =
  | 'check-in'
  | 'permit'
  | 'charter'
  | 'report'
  | 'claim'
  | 'ddi'
  | 'registration'
  | 'certificate'
  | 'identity'
  | 'blob'
  | 'problem'
  | 'refused'
  | 'shed'
  | 'connection'
  | 'wake'
  | 'release'
  | 'delta'
  | 'policy'
  | 'decision'
  | 'log';

export type CounterValues = Readonly<Partial<Record<CounterFamily, Readonly<Record<string, number>>>>>;

/** Counters since the start of this process. */
export function createCounters(): Counters {
  const families = new Map<CounterFamily, Map<string, number>>();
  return {
    add(family, code) {
      const counts = families.get(family) ?? new Map<string, number>();
      families.set(family, counts.set(code, (counts.get(code) ?? 0) + 1));
    },
    read() {
      return Object.fromEntries([...families].map(([family, counts]) => [family, Object.fromEntries(counts)]));
    },
  };
}

// SPDX-License-Identifier: Apache-2.0

/** A value that can be compared field by field. */
export type Scalar = string | number | boolean;

/** A document as its fields, each under a name that is its own. */
export type FlatFields = ReadonlyMap<string, Scalar>;

/** One field that two documents do not agree about; a side that lacks it is absent. */
export interface Difference {
  readonly field: string;
  readonly first?: Scalar;
  readonly second?: Scalar;
}

/** The fields that differ, in the order of the first document, then those that only the second has. */
export function differencesOf(
  first: FlatFields,
  second: FlatFields,
  isSame: (a: Scalar, b: Scalar) => boolean = isIdentical,
): readonly Difference[] {
  const differences: Difference[] = [];
  for (const [field, a] of first) {
    const b = second.get(field);
    if (b === undefined) differences.push({ field, first: a });
    else if (!isSame(a, b)) differences.push({ field, first: a, second: b });
  }
  for (const [field, b] of second) if (!first.has(field)) differences.push({ field, second: b });
  return differences;
}

/**
 * Adds the fields of one part under its name; absent ones are left out. A second part of the same name gets a number, so
 * that a part which stands twice cannot hide behind the other.
 */
export function addFields(
  flat: Map<string, Scalar>,
  part: string,
  fields: Readonly<Record<string, Scalar | undefined>>,
): void {
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    let field = `${part} ${name}`;
    for (let copy = 2; flat.has(field); copy++) field = `${part} (${copy}) ${name}`;
    flat.set(field, value);
  }
}

function isIdentical(a: Scalar, b: Scalar): boolean {
  return a === b;
}

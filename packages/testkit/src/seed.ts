// SPDX-License-Identifier: Apache-2.0

/** Without SEED every run draws the same examples: a gate that is red on some days is not believed. */
const SEED_DEFAULT = 42;
/** fast-check takes a signed 32-bit integer. */
const SEED_MAX = 2 ** 31 - 1;

/** What fast-check takes beside a property. */
export interface PropertyOptions {
  readonly seed: number;
  readonly numRuns?: number;
}

/**
 * The options of every property: `fc.assert(property, propertyOptions())`. The seed comes from SEED, a whole number; on a
 * failure fast-check prints it beside the shrunk example, and `SEED=<seed> npm test` runs the same draws again.
 */
export function propertyOptions(options: { readonly runs?: number } = {}): PropertyOptions {
  return { seed: seedOf(process.env.SEED), ...(options.runs === undefined ? {} : { numRuns: options.runs }) };
}

/** The number in SEED; a text that is none throws, since a run from another seed than asked for proves nothing. */
export function seedOf(text: string | undefined): number {
  if (text === undefined || text === '') return SEED_DEFAULT;
  const seed = Number(text);
  if (Number.isInteger(seed) && Math.abs(seed) <= SEED_MAX) return seed;
  throw new RangeError(`SEED is ${text}, allowed are whole numbers from -${SEED_MAX} to ${SEED_MAX}`);
}

// SPDX-License-Identifier: Apache-2.0

/** A flag or its value is wrong: the message says which and what is allowed. Ends in exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** A seed is part of ids and file names. */
export const SEED_PATTERN = /^[A-Za-z0-9._-]{1,64}$/;
export const SEED_ALLOWED = '1 to 64 letters, digits and . _ -';

/** The value of a flag as a whole number within limits. Throws UsageError. */
export function wholeOf(
  flag: string,
  text: string,
  { min, max }: { readonly min: number; readonly max: number },
): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new UsageError(`The flag ${flag} is ${text}; allowed is a whole number from ${min} to ${max}`);
}

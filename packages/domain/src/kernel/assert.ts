// SPDX-License-Identifier: Apache-2.0

/** Thrown by `assert`: a bug in Outrider, never a fault of the input. Nobody catches it in the domain. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

/** What must not happen. Stays on in production. Input is never asserted, it is parsed. */
export function assert(condition: boolean, expectation: string): asserts condition {
  if (!condition) throw new AssertionError(`Expected ${expectation}`);
}

/** Ends a `switch` over a closed union: a kind without a case is a compile error. */
export function assertNever(value: never): never {
  throw new AssertionError(`Expected no further kind, got ${JSON.stringify(value)}`);
}

/** The value, asserted to be there. For places where the reader can see why it is. */
export function present<T>(value: T | undefined | null, expectation: string): T {
  if (value === undefined || value === null) throw new AssertionError(`Expected ${expectation}`);
  return value;
}

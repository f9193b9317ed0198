// SPDX-License-Identifier: Apache-2.0

/**
 * Thrown by every port of a `ServerStore` while its database cannot be reached: gateways answer with "not yet",
 * `store-away`, and ask again. Whether the call had an effect is unknown; all calls are safe to repeat.
 */
export class StoreAwayError extends Error {
  override readonly name = 'StoreAwayError';
  readonly code = 'store-away';

  constructor(cause: unknown) {
    super(`The database cannot be reached (${describe(cause)}); it is tried again with the next request`, { cause });
  }
}

function describe(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

// SPDX-License-Identifier: Apache-2.0

/** What the domain can foresee is a value: either `{ ok: true, value }` or `{ ok: false, error }`. */
export type Result<T, E> = Ok<T> | Err<E>;

/** A success and its value. */
export interface Ok<T> {
  readonly ok: true;
  readonly value: T;
}

/** A foreseen failure; its `code` names it. */
export interface Err<E> {
  readonly ok: false;
  readonly error: E;
}

/** Wraps a success. */
export function ok<T>(value: T): Ok<T> {
  return { ok: true, value };
}

/** Wraps a foreseen failure; `error.code` names it for good, its text may change. */
export function err<E>(error: E): Err<E> {
  return { ok: false, error };
}

// SPDX-License-Identifier: Apache-2.0

/** A broken promise: which, where in the run, and the facts. */
export interface Violation {
  readonly oracle: string;
  /** Of ten minutes, counted from the first. */
  readonly step: number;
  readonly facts: string;
}

/** Ends a run at the step in which a promise was broken. */
export class ViolationError extends Error {
  override readonly name = 'ViolationError';
  readonly violation: Violation;

  constructor(violation: Violation) {
    super(`${violation.oracle} at step ${violation.step}: ${violation.facts}`);
    this.violation = violation;
  }
}

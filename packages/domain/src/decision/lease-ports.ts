// SPDX-License-Identifier: Apache-2.0
import type { Brand } from '../kernel/brand.ts';
import type { ExposureStore, PolicyLog } from '../policy/ports.ts';
import type { DecisionLog } from './ports.ts';

/** Who decides, counted: it grows with each change, and what an older one would still write is refused. */
export type Term = Brand<number, 'Term'>;

/** The ports by which a decider acts. */
export interface DecidedBy {
  readonly policyLog: PolicyLog;
  readonly exposures: ExposureStore;
  readonly decisions: DecisionLog;
}

/**
 * The right to count and decide for an installation: one server at a time has it, for a while, by the clock of the store. That
 * it ran out unnoticed, in a process that was frozen, does no harm: each write of a term is refused once another one began.
 */
export interface DecisionLease {
  /**
   * Takes the lease if it is free or has run out, keeps it if it is that of `term`, and takes it over from an earlier run of
   * the same server (its `holder`) at once. Answers with the term, or undefined while another server has it.
   */
  take(holder: string, term?: Term): Promise<Term | undefined>;
  /** Gives the lease back, if it is still that of `term`. */
  release(term: Term): Promise<void>;
  /** Every call of these that writes throws `LeaseLostError`, and has no effect, once another term began. */
  under(term: Term): DecidedBy;
}

/** Another server decides by now: what this one was about to write is not written. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError';
  readonly code = 'lease-lost';

  constructor(term: Term) {
    super(`Another server has taken over from term ${term}; this one stops deciding`);
  }
}

// SPDX-License-Identifier: Apache-2.0
import type { Revision, RolloutId } from '../kernel/ids.ts';
import type { Result } from '../kernel/result.ts';
import type { FleetInstant } from '../kernel/time.ts';
import type { UnderRequest } from '../trust/audit.ts';
import type { Exposure } from './exposure.ts';
import type { PolicyChange, PolicyEntry } from './log.ts';

/** Someone else wrote first: read the policy again and decide anew. */
export interface StaleRevision {
  readonly code: 'revision-stale';
  readonly expected: Revision;
  readonly actual: Revision;
}

/** The append-only policy log. */
export interface PolicyLog {
  /**
   * Appends one entry if `expected` is the newest revision. In the same transaction it moves the lock rows (scope and
   * rollout: epoch, running or not, halted segments) that `commitPermits` reads under a shared lock: after a pause
   * returned, no permit of the old epoch can exist that did not commit before. In the same transaction the audit log gets
   * its entry (see `policyNote`). Code: revision-stale.
   */
  appendEntry(entry: {
    readonly expected: Revision;
    readonly at: FleetInstant;
    readonly author: string;
    readonly change: PolicyChange;
    /** For `rollout-event: start`: the exposure the rollout starts with. */
    readonly exposure?: Exposure;
    /** For the audit log. */
    readonly request?: UnderRequest;
  }): Promise<Result<PolicyEntry, StaleRevision>>;
  /** Entries after `revision`, ascending. */
  loadEntries(after: Revision): Promise<readonly PolicyEntry[]>;
}

/** The caps: moved by decisions, read by gateways, counted by the ledger. */
export interface ExposureStore {
  loadExposures(): Promise<readonly Exposure[]>;
  /** Raises caps, pi, wave and hold reason; `granted` is the ledger's and is left alone. A cap below the stored one stays. */
  storeExposure(exposure: Exposure): Promise<void>;
  loadExposure(rolloutId: RolloutId): Promise<Exposure | undefined>;
}

/**
 * Tells the servers of an installation that the policy has a newer revision. A notice only says "look": it carries nothing,
 * may be lost, late, doubled or merged with others, and nobody relies on it. What holds is the revision that each server reads
 * by itself, at least every 500 ms.
 */
export interface PolicyNotices {
  /** Tells everyone who follows, this server included. Never waits and never throws. */
  tell(): void;
  /** Calls `look` after a notice, from now on; answers with the way to end it. */
  follow(look: () => void): () => void;
  /** Ends the connections. */
  close(): Promise<void>;
}

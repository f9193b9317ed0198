// SPDX-License-Identifier: Apache-2.0
import type { Evidence } from '../evidence/evidence.ts';
import type { RolloutId } from '../kernel/ids.ts';
import type { FleetInstant } from '../kernel/time.ts';
import type { Decision, DecisionInput, StoredDecision } from './decision.ts';
import type { DecisionPoint } from './history.ts';
import type { VerdictNote } from './overview.ts';

/** Decisions with their inputs, append-only. */
export interface DecisionLog {
  /** Stores evidence and decision together: after a restart counting goes on from exactly here. */
  appendDecision(input: DecisionInput, decision: Decision): Promise<void>;
  /** Decisions after `afterAt`, ascending: at most `limit`, and further ones of the same instant as the last. */
  loadDecisions(
    rolloutId: RolloutId,
    page: { readonly afterAt?: FleetInstant; readonly limit: number },
  ): Promise<readonly StoredDecision[]>;
  loadLatestEvidence(rolloutId: RolloutId): Promise<Evidence | undefined>;
  /** What was decided last about any rollout, without the figures: the one stored last first, at most `limit`. */
  loadNewestVerdicts(limit: number): Promise<readonly VerdictNote[]>;
  /** Decisions about a rollout as points of curves, oldest first: those that `isHistoryPoint` keeps. */
  loadHistory(rolloutId: RolloutId): Promise<readonly DecisionPoint[]>;
}

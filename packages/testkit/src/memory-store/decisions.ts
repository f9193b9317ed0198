// SPDX-License-Identifier: Apache-2.0
import { decisionPoint, isHistoryPoint } from '@outrider/domain/decision/history';
import { verdictNote } from '@outrider/domain/decision/overview';
import type { DecisionLog } from '@outrider/domain/decision/ports';
import { listUnder, type MemoryState } from './state.ts';

export function memoryDecisions({ decisions, verdicts, latestEvidence }: MemoryState): DecisionLog {
  return {
    async appendDecision(input, decision) {
      listUnder(decisions, decision.rolloutId).push({ input, decision });
      verdicts.push(verdictNote(decision));
      const latest = latestEvidence.get(decision.rolloutId);
      if (latest === undefined || input.evidence.asOf >= latest.asOf) {
        latestEvidence.set(decision.rolloutId, input.evidence);
      }
    },
    async loadDecisions(rolloutId, { afterAt = -1, limit }) {
      const later = (decisions.get(rolloutId) ?? [])
        .filter((one) => one.decision.at > afterAt)
        .sort((a, b) => a.decision.at - b.decision.at);
      const lastAt = later[limit - 1]?.decision.at ?? Number.POSITIVE_INFINITY;
      return later.filter((one) => one.decision.at <= lastAt);
    },
    async loadNewestVerdicts(limit) {
      return verdicts.slice(-limit).reverse();
    },
    async loadHistory(rolloutId) {
      const all = [...(decisions.get(rolloutId) ?? [])].sort((a, b) => a.decision.at - b.decision.at);
      return all.filter((_, index) => isHistoryPoint(index, all.length)).map((one) => decisionPoint(one.decision));
    },
    async loadLatestEvidence(rolloutId) {
      return latestEvidence.get(rolloutId);
    },
  };
}

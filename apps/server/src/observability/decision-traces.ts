// SPDX-License-Identifier: Apache-2.0
import type { Decision } from '@outrider/domain/decision/decision';
import type { LedgerRow } from '@outrider/domain/gateway/ledger';
import type { RolloutId } from '@outrider/domain/kernel/ids';
import type { MachineInstant } from '@outrider/domain/kernel/time';
import type { SpanSink } from '../ports.ts';
import { permitTrace, type SpanReference } from './trace-context.ts';

/** Ties decisions to the permits they were made from, in both directions, so that one can walk either way. */
export interface DecisionTraces {
  now(): MachineInstant;
  /** Notes rows of which something was counted since the last decision that was stored. */
  counted(rolloutId: RolloutId, rows: readonly LedgerRow[]): void;
  /** A decision was stored: records it with a link to each permit, and in each permit's trace a link to it. */
  decided(decision: Decision, times: DecisionTimes): void;
}

/** When counting and deciding began, and when the decision was stored. */
export interface DecisionTimes {
  readonly beganAt: MachineInstant;
  readonly countedAt: MachineInstant;
  readonly decidedAt: MachineInstant;
}

/** Links of one decision: OpenTelemetry's own limit. More permits than this say the same. */
const LINKS_MAX = 128;
/** Rollouts whose permits are remembered; beyond, the oldest is forgotten. */
const ROLLOUTS_MAX = 1_000;

export function decisionTraces(sink: SpanSink): DecisionTraces {
  const waiting = new Map<RolloutId, Map<string, SpanReference>>();

  return {
    now: () => sink.now(),

    counted(rolloutId, rows) {
      const permits = waiting.get(rolloutId) ?? new Map<string, SpanReference>();
      for (const { permitId } of rows) {
        const permit = permitTrace(permitId);
        if (permits.size >= LINKS_MAX || permit === undefined || !sink.isSampled(permit.traceId)) continue;
        permits.set(permit.traceId, permit);
      }
      if (permits.size > 0) waiting.set(rolloutId, permits);
      const oldest = waiting.size > ROLLOUTS_MAX ? waiting.keys().next().value : undefined;
      if (oldest !== undefined) waiting.delete(oldest);
    },

    decided({ rolloutId, overall, at }, { beganAt, countedAt, decidedAt }) {
      const permits = [...(waiting.get(rolloutId)?.values() ?? [])];
      waiting.delete(rolloutId);
      // Of a decision that nothing sampled led to, nothing is to be walked from or to.
      if (permits.length === 0) return;
      const decision = { traceId: sink.newTraceId(), spanId: sink.newSpanId() };
      const about = { 'outrider.rollout_id': rolloutId, 'outrider.decided_at': Number(at) };
      const verdict = { 'outrider.verdict': overall.kind, 'outrider.reason': overall.reason };
      sink.record({
        ...{ name: 'decision.decide', kind: 'internal', ...decision, beganAt, endedAt: decidedAt, links: permits },
        attributes: { 'outrider.stage': 'decision', ...about, ...verdict },
        isError: false,
      });
      const count = { name: 'evidence.count', kind: 'internal', beganAt, endedAt: countedAt, isError: false } as const;
      const attributes = { 'outrider.stage': 'evidence', ...about };
      sink.record({
        ...{ ...count, traceId: decision.traceId, spanId: sink.newSpanId(), parentSpanId: decision.spanId },
        ...{ attributes, links: [] },
      });
      for (const permit of permits) {
        sink.record({
          ...{ ...count, traceId: permit.traceId, spanId: sink.newSpanId(), parentSpanId: permit.spanId },
          ...{ attributes: { ...attributes, ...verdict }, links: [decision] },
        });
      }
    },
  };
}

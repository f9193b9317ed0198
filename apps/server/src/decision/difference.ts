// SPDX-License-Identifier: Apache-2.0
import type { Decision } from '@outrider/domain/decision/decision';
import type { Exposure } from '@outrider/domain/policy/exposure';

/** Whether a decision says something else than the one before it: another verdict, overall or in a segment. */
export function isAnotherVerdict(before: Decision | undefined, decision: Decision): boolean {
  if (before === undefined || before.overall.kind !== decision.overall.kind) return true;
  const kinds = new Map(before.segments.map(({ segment, verdict }) => [segment, verdict.kind]));
  return decision.segments.some(({ segment, verdict }) => kinds.get(segment) !== verdict.kind);
}

/**
 * Whether an exposure is another step than the stored one. What the ledger counts is no step, nor is the start of a wave
 * that nobody has asked in yet: it moves along with the clock.
 */
export function isAnotherStep(stored: Exposure, next: Exposure): boolean {
  if (stored.waveIndex !== next.waveIndex || stored.pi !== next.pi || stored.cap !== next.cap) return true;
  if (stored.downloadsAllowed !== next.downloadsAllowed || stored.isComplete !== next.isComplete) return true;
  const caps = new Map(stored.segments.map((one) => [one.segment, one.cap]));
  return next.segments.some((one) => caps.get(one.segment) !== one.cap);
}

/** Whether an exposure has to be written at all: anything but what the ledger counts is different. */
export function isAnotherExposure(stored: Exposure, next: Exposure): boolean {
  return (
    isAnotherStep(stored, next) || stored.waveStartedAt !== next.waveStartedAt || stored.holdReason !== next.holdReason
  );
}

// SPDX-License-Identifier: Apache-2.0
import { addFields, type Difference, differencesOf, type FlatFields, type Scalar } from '../kernel/difference.ts';
import type { Evidence } from './evidence.ts';

/**
 * The counts that differ between two evidences, field by field: none when they are equal. For the recount from the raw
 * rows, which must give what was counted step by step.
 */
export function compareEvidence(first: Evidence, second: Evidence): readonly Difference[] {
  return differencesOf(flatEvidence(first), flatEvidence(second));
}

function flatEvidence(evidence: Evidence): FlatFields {
  const { rolloutId, asOf, lastEnrolledAt, installRestartedAt, leftOut } = evidence;
  const flat = new Map<string, Scalar>();
  addFields(flat, 'evidence', { rolloutId, asOf, lastEnrolledAt, installRestartedAt });
  if (leftOut !== undefined) {
    const { deviceIds, restartedAt, restarts } = leftOut;
    addFields(flat, 'left out', { devices: deviceIds.join(' '), restartedAt, restarts });
    for (const { segment, pi, ...counts } of leftOut.enrolments)
      addFields(flat, `left out ${segment} pi ${pi}`, counts);
  }
  for (const { metric, segment, ...counts } of evidence.base) addFields(flat, `base ${metric} ${segment}`, counts);
  for (const { metric, segment, pi, ...counts } of evidence.coin) {
    addFields(flat, `coin ${metric} ${segment} pi ${pi}`, counts);
  }
  for (const { metric, segment, arm, ...counts } of evidence.closed) {
    addFields(flat, `closed ${metric} ${segment} ${arm}`, counts);
  }
  for (const { segment, pi, ...counts } of evidence.enrolments)
    addFields(flat, `enrolments ${segment} pi ${pi}`, counts);
  for (const { fact, segment, pi, ...counts } of evidence.before ?? []) {
    addFields(flat, `before ${fact} ${segment} pi ${pi}`, counts);
  }
  for (const { slotEndsAt, ...counts } of evidence.recent) addFields(flat, `recent ${slotEndsAt}`, counts);
  return flat;
}

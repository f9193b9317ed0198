// SPDX-License-Identifier: Apache-2.0
import type { Result } from '@outrider/domain/kernel/result';
import type { ResumeApproval } from '@outrider/domain/policy/resume-approval';
import { encodeJson, parseText } from '../kernel/json-text.ts';
import { REASON_CHARACTERS_MAX, REQUEST_BYTES_MAX } from '../kernel/limits.ts';
import type { ParseError } from '../kernel/parse-error.ts';
import { listOf, literal, oneOf, optional, record, text } from '../kernel/reader.ts';
import { epoch, instant, label, releaseId, revision, rolloutId, segmentId, sha256 } from '../kernel/values.ts';
import { SEGMENTS_MAX } from './exposure.ts';

/** Writes the payload of a resume's envelope: the exact text that approvers sign. */
export function encodeResumeApproval(approval: ResumeApproval): string {
  return encodeJson(approval);
}

/** Reads the payload of a resume's envelope; only canonical JSON is taken. Code: body-malformed. */
export function parseResumeApproval(payload: string): Result<ResumeApproval, ParseError> {
  return parseText(payload, { noun: 'resume', bytesMax: REQUEST_BYTES_MAX, reader: resumeApproval, isCanonical: true });
}

const resumeApproval = record<ResumeApproval>({
  schema: literal(1),
  action: literal('resume'),
  rolloutId,
  releaseId,
  epoch,
  revision,
  evidenceSha256: sha256,
  reason: text({ charactersMin: 1, charactersMax: REASON_CHARACTERS_MAX }),
  counts: oneOf(['continue', 'restart']),
  segments: listOf(segmentId, { countMax: SEGMENTS_MAX }),
  regions: optional(listOf(label, { countMax: SEGMENTS_MAX })),
  expiresAt: instant,
});

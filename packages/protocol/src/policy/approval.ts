// SPDX-License-Identifier: Apache-2.0
import type { Result } from '@outrider/domain/kernel/result';
import type { ApprovalDocument } from '@outrider/domain/policy/approval';
import { encodeJson, parseText } from '../kernel/json-text.ts';
import { REASON_CHARACTERS_MAX, REQUEST_BYTES_MAX } from '../kernel/limits.ts';
import type { ParseError } from '../kernel/parse-error.ts';
import { literal, record, text } from '../kernel/reader.ts';
import { epoch, releaseId, rolloutId } from '../kernel/values.ts';

/** Writes the payload of an approval's envelope: the exact text that approvers sign. */
export function encodeApproval(approval: ApprovalDocument): string {
  return encodeJson(approval);
}

/** Reads the payload of an approval's envelope; only canonical JSON is taken. Code: body-malformed. */
export function parseApproval(payload: string): Result<ApprovalDocument, ParseError> {
  return parseText(payload, { noun: 'approval', bytesMax: REQUEST_BYTES_MAX, reader: approval, isCanonical: true });
}

const approval = record<ApprovalDocument>({
  schema: literal(1),
  action: literal('complete'),
  rolloutId,
  releaseId,
  epoch,
  reason: text({ charactersMin: 1, charactersMax: REASON_CHARACTERS_MAX }),
});

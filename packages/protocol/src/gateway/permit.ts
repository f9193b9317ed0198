// SPDX-License-Identifier: Apache-2.0
import { CRASHES_MAX, type CrashHistory } from '@outrider/domain/gateway/crash-history';
import { NOT_YETS } from '@outrider/domain/gateway/errors';
import type {
  CharterPlace,
  NotYet,
  NotYetCode,
  PermitAnswer,
  PermitDocument,
  PermitGranted,
  PermitRequest,
} from '@outrider/domain/gateway/permit';
import type { Result } from '@outrider/domain/kernel/result';
import { encodeJson, parseText } from '../kernel/json-text.ts';
import { ANSWER_BYTES_MAX, REQUEST_BYTES_MAX } from '../kernel/limits.ts';
import type { ParseError } from '../kernel/parse-error.ts';
import { bool, keyOr, listOf, literal, optional, record, variant, whole } from '../kernel/reader.ts';
import {
  deviceId,
  duration,
  epoch,
  instant,
  permitId,
  releaseCounter,
  releaseId,
  rolloutId,
  sha256,
} from '../kernel/values.ts';
import { WAVES_MAX } from '../policy/rollout-plan.ts';
import { envelope } from '../trust/envelope.ts';

/** Writes the body of `POST /v1/permit`. */
export function encodePermitRequest(request: PermitRequest): string {
  return encodeJson(request);
}

/** Reads the body of `POST /v1/permit`. Code: body-malformed. */
export function parsePermitRequest(body: string): Result<PermitRequest, ParseError> {
  return parseText(body, { noun: 'permit-request', bytesMax: REQUEST_BYTES_MAX, reader: permitRequest });
}

/** Writes the answer to a permit request: a signed permit, or not yet. */
export function encodePermitAnswer(answer: PermitAnswer): string {
  return encodeJson(answer);
}

/** Reads the answer to a permit request; the permit is not verified yet. Code: body-malformed. */
export function parsePermitAnswer(body: string): Result<PermitAnswer, ParseError> {
  return parseText(body, { noun: 'permit-answer', bytesMax: ANSWER_BYTES_MAX, reader: permitAnswer });
}

/** Writes the payload of a permit's envelope: the exact text that is signed. */
export function encodePermitDocument(document: PermitDocument): string {
  return encodeJson(document);
}

/** Reads the payload of a permit's envelope; only canonical JSON is taken. Code: body-malformed. */
export function parsePermitDocument(payload: string): Result<PermitDocument, ParseError> {
  return parseText(payload, {
    noun: 'permit',
    bytesMax: REQUEST_BYTES_MAX,
    reader: permitDocument,
    isCanonical: true,
  });
}

const crashHistory = record<CrashHistory>({
  knownForMs: duration,
  agesMs: listOf(duration, { countMax: CRASHES_MAX }),
});

const permitRequest = record<PermitRequest>({
  deviceId,
  sequence: whole({ min: 1 }),
  rolloutId,
  releaseId,
  isRollback: bool,
  crashes: optional(crashHistory),
});

/** Reads the payload of a permit inside another document. */
export const permitDocument = record<PermitDocument>({
  schema: literal(1),
  permitId,
  deviceId,
  rolloutId,
  releaseId,
  releaseCounter,
  epoch,
  grantedAt: instant,
  lifeMs: duration,
  sequence: optional(whole({ min: 1 })),
  charter: optional(record<CharterPlace>({ sha256, waveIndex: optional(whole({ min: 0, max: WAVES_MAX })) })),
});

const notYetCode = keyOr<NotYetCode>(NOT_YETS, 'no-offer');

const permitAnswer = variant<PermitAnswer>({
  permit: record<PermitGranted>({ kind: literal('permit'), permit: envelope }),
  'not-yet': record<NotYet>({ kind: literal('not-yet'), code: notYetCode, askAfterMs: duration }),
});

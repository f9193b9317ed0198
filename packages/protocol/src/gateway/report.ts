// SPDX-License-Identifier: Apache-2.0
import { CLAIM_FAULTS, type ClaimFaultCode } from '@outrider/domain/gateway/claim-faults';
import type { Report, ReportEvent } from '@outrider/domain/gateway/report';
import type { Result } from '@outrider/domain/kernel/result';
import { encodeJson, parseText } from '../kernel/json-text.ts';
import { DETAIL_CHARACTERS_MAX, REQUEST_BYTES_MAX } from '../kernel/limits.ts';
import type { ParseError } from '../kernel/parse-error.ts';
import { keyOf, keyOr, oneOf, optional, record, text, whole } from '../kernel/reader.ts';
import { deviceId, permitId, releaseId, rolloutId } from '../kernel/values.ts';
import { envelope } from '../trust/envelope.ts';
import { toldSoftware } from './device-record.ts';
import { tpmQuote } from './tpm-quote.ts';

/** What the server did with a report: all three mean that it is durable and need not be sent again. */
export interface ReportAnswer {
  readonly result: 'counted' | 'duplicate' | 'unmatched';
  /** Why the claim in it is not believed, and counts for nothing. Absent: it is, or there was none. */
  readonly disbelieved?: ClaimFaultCode;
}

/** Writes the body of `POST /v1/report`. */
export function encodeReport(report: Report): string {
  return encodeJson(report);
}

/** Reads the body of `POST /v1/report`. Code: body-malformed. */
export function parseReport(body: string): Result<Report, ParseError> {
  return parseText(body, { noun: 'report', bytesMax: REQUEST_BYTES_MAX, reader: report });
}

/** Writes the answer to a report. */
export function encodeReportAnswer(answer: ReportAnswer): string {
  return encodeJson(answer);
}

/** Reads the answer to a report. Code: body-malformed. */
export function parseReportAnswer(body: string): Result<ReportAnswer, ParseError> {
  return parseText(body, { noun: 'report-answer', bytesMax: REQUEST_BYTES_MAX, reader: reportAnswer });
}

const reportEvent = keyOf<ReportEvent>({
  verified: true,
  reverted: true,
  'install-failed': true,
  crash: true,
  'sensor-fault': true,
  refused: true,
  'driver-flag': true,
});

/** Reads a report inside another document. */
export const report = record<Report>({
  deviceId,
  sequence: whole({ min: 1 }),
  rolloutId,
  releaseId,
  permitId: optional(permitId),
  event: reportEvent,
  running: toldSoftware,
  detail: text({ charactersMax: DETAIL_CHARACTERS_MAX }),
  manifest: optional(envelope),
  quote: optional(tpmQuote),
});

const reportAnswer = record<ReportAnswer>({
  result: oneOf(['counted', 'duplicate', 'unmatched']),
  disbelieved: optional(keyOr<ClaimFaultCode>(CLAIM_FAULTS, 'manifest-malformed')),
});

// SPDX-License-Identifier: Apache-2.0
import type { Arm, HourCount, LedgerOutcome, LedgerRow } from '@outrider/domain/gateway/ledger';
import type { Result } from '@outrider/domain/kernel/result';
import { encodeJson, parseText } from '../kernel/json-text.ts';
import { REQUEST_BYTES_MAX } from '../kernel/limits.ts';
import type { ParseError } from '../kernel/parse-error.ts';
import { bool, finite, keyOf, oneOf, optional, record, whole } from '../kernel/reader.ts';
import { deviceId, duration, epoch, instant, permitId, releaseId, rolloutId, segmentId } from '../kernel/values.ts';

/** Writes a row of the permit ledger. */
export function encodeLedgerRow(row: LedgerRow): string {
  return encodeJson(row);
}

/** Reads a row of the permit ledger. Code: body-malformed. */
export function parseLedgerRow(body: string): Result<LedgerRow, ParseError> {
  return parseText(body, { noun: 'ledger-row', bytesMax: REQUEST_BYTES_MAX, reader: ledgerRow });
}

/** Writes a row with what has been heard since. */
export function encodeLedgerOutcome(outcome: LedgerOutcome): string {
  return encodeJson(outcome);
}

/** Reads a row with what has been heard since. Code: body-malformed. */
export function parseLedgerOutcome(body: string): Result<LedgerOutcome, ParseError> {
  return parseText(body, { noun: 'ledger-outcome', bytesMax: REQUEST_BYTES_MAX, reader: ledgerOutcome });
}

/** Reads enrolments counted by segment and hour of the day. Code: body-malformed. */
export function parseHourCount(body: string): Result<HourCount, ParseError> {
  return parseText(body, { noun: 'hour-count', bytesMax: REQUEST_BYTES_MAX, reader: hourCount });
}

const count = whole({ min: 0 });

const hourCount = record<HourCount>({
  segment: segmentId,
  hourOfDay: whole({ min: 0, max: 23 }),
  enrolled: count,
  treated: count,
  reverted: count,
  installFailed: count,
  crashed: count,
  sensorFaulty: count,
});

const probability = finite({ min: 0, max: 1 });

/** Reads a row of the permit ledger. */
export const ledgerRow = record<LedgerRow>({
  rolloutId,
  deviceId,
  enrolment: whole({ min: 0 }),
  kind: oneOf(['enrolment', 'rollback']),
  releaseId,
  segment: segmentId,
  arm: keyOf<Arm>({ treated: true, control: true }),
  piBefore: probability,
  pi: probability,
  piEffective: probability,
  isRing: bool,
  isPanel: bool,
  hadCrashBefore: optional(bool),
  wasSilentBefore: optional(bool),
  permitId,
  epoch,
  grantedAt: instant,
  permitLifeMs: duration,
});

/** Reads a row with its outcomes inside another document. */
export const ledgerOutcome = record<LedgerOutcome>({
  position: whole({ min: 0 }),
  row: ledgerRow,
  firstContactAt: optional(instant),
  secondDayContactAt: optional(instant),
  fourthDayContactAt: optional(instant),
  verifiedAt: optional(instant),
  revertedAt: optional(instant),
  installFailedAt: optional(instant),
  crashedAt: optional(instant),
  sensorFaultAt: optional(instant),
});

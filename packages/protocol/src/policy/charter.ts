// SPDX-License-Identifier: Apache-2.0
import type { Result } from '@outrider/domain/kernel/result';
import {
  type CharterDocument,
  type CharterReports,
  type CharterWave,
  type ReportClass,
  RING_DEVICES_MAX,
  type SegmentThreshold,
  type SignedCharter,
  THRESHOLD_WHOLE,
  type WaveOpening,
} from '@outrider/domain/policy/charter';
import { encodeJson, parseText } from '../kernel/json-text.ts';
import { DOCUMENT_BYTES_MAX, MANIFEST_BYTES_MAX, REQUEST_BYTES_MAX } from '../kernel/limits.ts';
import type { ParseError } from '../kernel/parse-error.ts';
import { listOf, literal, oneOf, optional, record, whole } from '../kernel/reader.ts';
import { deviceId, instant, label, segmentId, sha256 } from '../kernel/values.ts';
import { envelope } from '../trust/envelope.ts';
import { GROUPS_MAX } from '../trust/limits.ts';
import { SEGMENTS_MAX } from './exposure.ts';
import { rolloutPlan, WAVES_MAX } from './rollout-plan.ts';

/** Writes the payload of a charter's envelope: the exact text that approvers sign. */
export function encodeCharter(charter: CharterDocument): string {
  return encodeJson(charter);
}

/** Reads the payload of a charter's envelope; only canonical JSON is taken. Code: body-malformed. */
export function parseCharter(payload: string): Result<CharterDocument, ParseError> {
  return parseText(payload, { noun: 'charter', bytesMax: MANIFEST_BYTES_MAX, reader: charter, isCanonical: true });
}

/** Writes the payload of the envelope that opens a wave above a tenth. */
export function encodeWaveOpening(opening: WaveOpening): string {
  return encodeJson(opening);
}

/** Reads the payload of the envelope that opens a wave; only canonical JSON is taken. Code: body-malformed. */
export function parseWaveOpening(payload: string): Result<WaveOpening, ParseError> {
  return parseText(payload, {
    noun: 'wave-opening',
    bytesMax: REQUEST_BYTES_MAX,
    reader: waveOpening,
    isCanonical: true,
  });
}

/** Writes a charter with all its signatures: the file that goes from approver to approver. */
export function encodeSignedCharter(signed: SignedCharter): string {
  return encodeJson(signed);
}

/** Reads a charter with its signatures; nothing is verified. Code: body-malformed. */
export function parseSignedCharter(body: string): Result<SignedCharter, ParseError> {
  return parseText(body, { noun: 'signed-charter', bytesMax: DOCUMENT_BYTES_MAX, reader: signedCharter });
}

/** Reads a charter with its signatures inside another document. */
export const signedCharter = record<SignedCharter>({
  document: envelope,
  openings: listOf(envelope, { countMax: WAVES_MAX }),
});

const threshold = whole({ min: 0, max: THRESHOLD_WHOLE });
const reportClasses = listOf(oneOf<ReportClass>(['signed', 'certificate', 'target-token', 'gateway-token']), {
  countMax: 4,
});

/** Reads a charter inside another document. */
export const charter = record<CharterDocument>({
  schema: literal(1),
  plan: rolloutPlan,
  releaseSha256: sha256,
  waves: listOf(
    record<CharterWave>({
      name: label,
      threshold,
      segments: optional(
        listOf(record<SegmentThreshold>({ segment: segmentId, threshold }), { countMax: SEGMENTS_MAX }),
      ),
      devicesMax: optional(whole({ min: 0 })),
      ringDevices: listOf(deviceId, { countMax: RING_DEVICES_MAX }),
      notBefore: instant,
    }),
    { countMin: 1, countMax: WAVES_MAX },
  ),
  reports: record<CharterReports>({ halt: reportClasses, widen: reportClasses }),
  groups: whole({ min: 1, max: GROUPS_MAX }),
  issuedAt: instant,
  expiresAt: instant,
});

const waveOpening = record<WaveOpening>({
  schema: literal(1),
  charterSha256: sha256,
  waveIndex: whole({ min: 0, max: WAVES_MAX }),
  threshold,
});

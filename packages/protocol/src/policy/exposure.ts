// SPDX-License-Identifier: Apache-2.0
import type { Result } from '@outrider/domain/kernel/result';
import type { Exposure, SegmentExposure } from '@outrider/domain/policy/exposure';
import { encodeJson, parseText } from '../kernel/json-text.ts';
import { DOCUMENT_BYTES_MAX, REASON_CHARACTERS_MAX } from '../kernel/limits.ts';
import type { ParseError } from '../kernel/parse-error.ts';
import { bool, finite, listOf, optional, record, text, whole } from '../kernel/reader.ts';
import { instant, rolloutId, segmentId } from '../kernel/values.ts';

/** Segments of one rollout: the union bound over them must leave each a threshold that evidence can reach. */
export const SEGMENTS_MAX = 1_024;

/** Writes how much of a rollout is open. */
export function encodeExposure(exposure: Exposure): string {
  return encodeJson(exposure);
}

/** Reads how much of a rollout is open. Code: body-malformed. */
export function parseExposure(body: string): Result<Exposure, ParseError> {
  return parseText(body, { noun: 'exposure', bytesMax: DOCUMENT_BYTES_MAX, reader: exposure });
}

const count = whole({ min: 0 });

/** Reads an exposure inside another document. */
export const exposure = record<Exposure>({
  rolloutId,
  waveIndex: count,
  waveStartedAt: instant,
  pi: finite({ min: 0, max: 1 }),
  cap: count,
  granted: count,
  segments: listOf(record<SegmentExposure>({ segment: segmentId, population: count, cap: count, granted: count }), {
    countMax: SEGMENTS_MAX,
  }),
  downloadsAllowed: count,
  isComplete: bool,
  holdReason: optional(text({ charactersMax: REASON_CHARACTERS_MAX })),
});

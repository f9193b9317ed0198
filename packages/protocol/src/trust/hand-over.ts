// SPDX-License-Identifier: Apache-2.0
import type { Result } from '@outrider/domain/kernel/result';
import type { HandOver } from '@outrider/domain/trust/hand-over';
import { encodeJson, parseText } from '../kernel/json-text.ts';
import { REQUEST_BYTES_MAX } from '../kernel/limits.ts';
import type { ParseError } from '../kernel/parse-error.ts';
import { literal, record } from '../kernel/reader.ts';
import { instant } from '../kernel/values.ts';
import { trustRoots } from './anchors.ts';

/** Largest envelope of a hand-over, in bytes: two roots as text inside text inside text, and its signatures. */
export const HAND_OVER_BYTES_MAX = 4 * REQUEST_BYTES_MAX;

/** Writes the payload that is signed. */
export function encodeHandOver(handOver: HandOver): string {
  return encodeJson(handOver);
}

/** Reads a payload that was verified. Code: body-malformed. */
export function parseHandOver(payload: string): Result<HandOver, ParseError> {
  return parseText(payload, { noun: 'hand-over', bytesMax: HAND_OVER_BYTES_MAX, reader: handOver, isCanonical: true });
}

const handOver = record<HandOver>({ schema: literal(1), roots: trustRoots, expiresAt: instant });

// SPDX-License-Identifier: Apache-2.0
import type { Result } from '@outrider/domain/kernel/result';
import { encodeJson, parseText } from '../kernel/json-text.ts';
import type { ParseError } from '../kernel/parse-error.ts';
import { oneOf, record } from '../kernel/reader.ts';

/** Where a device listens: as a WebSocket (RFC 6455), or by a request that is held back. */
export const WAKE_PATH = '/v1/wake';

/** What a listening device hears: to check in, or, over a request that was held back, that there was nothing. */
export interface WakeAnswer {
  readonly kind: 'check-in' | 'nothing';
}

/** Larger than any answer and any frame of a control kind (RFC 6455 §5.5): nobody has more to say here. */
export const WAKE_BYTES_MAX = 125;

/** Writes a frame, or the body of the answer to a request that was held back. */
export function encodeWakeAnswer(answer: WakeAnswer): string {
  return encodeJson(answer);
}

/** Reads it. Code: body-malformed. */
export function parseWakeAnswer(body: string): Result<WakeAnswer, ParseError> {
  return parseText(body, { noun: 'wake-answer', bytesMax: WAKE_BYTES_MAX, reader: wakeAnswer });
}

const wakeAnswer = record<WakeAnswer>({ kind: oneOf(['check-in', 'nothing']) });

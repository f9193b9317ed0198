// SPDX-License-Identifier: Apache-2.0
import type { Delta } from '@outrider/domain/delta/delta';
import type { Result } from '@outrider/domain/kernel/result';
import { parseText } from '@outrider/protocol/kernel/json-text';
import { REQUEST_BYTES_MAX } from '@outrider/protocol/kernel/limits';
import type { ParseError } from '@outrider/protocol/kernel/parse-error';
import { literal, record } from '@outrider/protocol/kernel/reader';
import { bytes, sha256 } from '@outrider/protocol/kernel/values';

/** Reads a delta as the query shapes it. Code: body-malformed. */
export function parseDelta(text: string): Result<Delta, ParseError> {
  return parseText(text, { noun: 'delta', bytesMax: REQUEST_BYTES_MAX, reader: delta });
}

const delta = record<Delta>({
  fromDigest: sha256,
  toDigest: sha256,
  format: literal('zstd-patch-1'),
  digest: sha256,
  bytes,
});

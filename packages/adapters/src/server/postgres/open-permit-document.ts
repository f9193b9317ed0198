// SPDX-License-Identifier: Apache-2.0
import type { OpenPermit } from '@outrider/domain/gateway/ports';
import type { Result } from '@outrider/domain/kernel/result';
import { parseText } from '@outrider/protocol/kernel/json-text';
import { REQUEST_BYTES_MAX } from '@outrider/protocol/kernel/limits';
import type { ParseError } from '@outrider/protocol/kernel/parse-error';
import { record } from '@outrider/protocol/kernel/reader';
import { deviceId, epoch, instant, permitId, rolloutId } from '@outrider/protocol/kernel/values';

/** Reads an open permit as the ledger's query shapes it. Code: body-malformed. */
export function parseOpenPermit(text: string): Result<OpenPermit, ParseError> {
  return parseText(text, { noun: 'open-permit', bytesMax: REQUEST_BYTES_MAX, reader: openPermit });
}

const openPermit = record<OpenPermit>({ permitId, deviceId, rolloutId, epoch, expiresAt: instant });

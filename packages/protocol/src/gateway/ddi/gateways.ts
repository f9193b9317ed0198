// SPDX-License-Identifier: Apache-2.0
import { QUERY_CHARACTERS_MAX } from '@outrider/domain/gateway/query';
import type { Sha256 } from '@outrider/domain/kernel/ids';
import type { Result } from '@outrider/domain/kernel/result';
import type { FleetInstant } from '@outrider/domain/kernel/time';
import { encodeJson, parseText } from '../../kernel/json-text.ts';
import { DOCUMENT_BYTES_MAX } from '../../kernel/limits.ts';
import type { ParseError } from '../../kernel/parse-error.ts';
import { listOf, record, text } from '../../kernel/reader.ts';
import { instant, label, sha256 } from '../../kernel/values.ts';

/** A gateway of DDI as it is stored: never its token, only the digest. */
export interface StoredGateway {
  readonly name: string;
  readonly tokenDigest: Sha256;
  readonly where: string;
  readonly createdAt: FleetInstant;
}

/** Writes the gateways of an installation. */
export function encodeGateways(gateways: readonly StoredGateway[]): string {
  return encodeJson(gateways);
}

/** Reads the gateways of an installation. Code: body-malformed. */
export function parseGateways(body: string): Result<readonly StoredGateway[], ParseError> {
  return parseText(body, { noun: 'ddi-gateways', bytesMax: DOCUMENT_BYTES_MAX, reader: gateways });
}

/** More than any installation has. */
const GATEWAYS_MAX = 1_024;

const gateways = listOf(
  record<StoredGateway>({
    name: label,
    tokenDigest: sha256,
    where: text({ charactersMax: QUERY_CHARACTERS_MAX }),
    createdAt: instant,
  }),
  { countMax: GATEWAYS_MAX },
);

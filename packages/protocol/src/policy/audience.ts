// SPDX-License-Identifier: Apache-2.0
import type { Result } from '@outrider/domain/kernel/result';
import type { AttributeName, Audience } from '@outrider/domain/policy/audience';
import { parseText } from '../kernel/json-text.ts';
import { DOCUMENT_BYTES_MAX } from '../kernel/limits.ts';
import type { ParseError } from '../kernel/parse-error.ts';
import { keyOf, listOf, literal, optional, record, variant } from '../kernel/reader.ts';
import { label, version } from '../kernel/values.ts';

/** Members of one all-of or any-of. */
const MEMBERS_MAX = 64;
/** Values of one attribute predicate: every region of every market fits. */
const VALUES_MAX = 1_024;
/** Device ids named one by one; more is a tag. */
const DEVICE_IDS_MAX = 10_000;

/** Reads an audience; its depth is bounded by that of the text. */
export function audience(value: unknown): Result<Audience, ParseError> {
  return predicate(value);
}

/** Reads an audience that somebody sends. Code: body-malformed. */
export function parseAudience(body: string): Result<Audience, ParseError> {
  return parseText(body, { noun: 'audience', bytesMax: DOCUMENT_BYTES_MAX, reader: audience });
}

/** Reads the name of an attribute. */
export const attributeName = keyOf<AttributeName>({
  model: true,
  hardwareId: true,
  region: true,
  customer: true,
  carrier: true,
});

const predicate = variant<Audience>({
  everyone: record<Of<'everyone'>>({ kind: literal('everyone') }),
  'all-of': record<Of<'all-of'>>({ kind: literal('all-of'), of: listOf(audience, { countMax: MEMBERS_MAX }) }),
  'any-of': record<Of<'any-of'>>({ kind: literal('any-of'), of: listOf(audience, { countMax: MEMBERS_MAX }) }),
  not: record<Of<'not'>>({ kind: literal('not'), of: audience }),
  attribute: record<Of<'attribute'>>({
    kind: literal('attribute'),
    name: attributeName,
    in: listOf(label, { countMax: VALUES_MAX }),
  }),
  tag: record<Of<'tag'>>({ kind: literal('tag'), tag: label }),
  device: record<Of<'device'>>({ kind: literal('device'), in: listOf(label, { countMax: DEVICE_IDS_MAX }) }),
  version: record<Of<'version'>>({ kind: literal('version'), atLeast: optional(version), below: optional(version) }),
});

type Of<Kind extends Audience['kind']> = Extract<Audience, { readonly kind: Kind }>;

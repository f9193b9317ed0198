// SPDX-License-Identifier: Apache-2.0
import type { Result } from '@outrider/domain/kernel/result';
import type { SigningGroup, SigningRole, TrustAnchors, TrustRoots } from '@outrider/domain/trust/role';
import { encodeJson, parseText } from '../kernel/json-text.ts';
import { REQUEST_BYTES_MAX } from '../kernel/limits.ts';
import type { ParseError } from '../kernel/parse-error.ts';
import { listOf, optional, record, text, whole } from '../kernel/reader.ts';
import { label } from '../kernel/values.ts';
import { publicKey } from './envelope.ts';
import { GROUPS_MAX } from './limits.ts';

/** Keys of one group at a time, old and new ones while they are exchanged. */
const KEYS_MAX = 16;

/** Writes what a device pins at registration. */
export function encodeTrustAnchors(anchors: TrustAnchors): string {
  return encodeJson(anchors);
}

/** Reads what a device pins at registration. Code: body-malformed. */
export function parseTrustAnchors(body: string): Result<TrustAnchors, ParseError> {
  return parseText(body, { noun: 'trust-anchors', bytesMax: REQUEST_BYTES_MAX, reader: trustAnchors });
}

/** Writes who must sign a kind of document. */
export function encodeSigningRole(role: SigningRole): string {
  return encodeJson(role);
}

/** Reads who must sign a kind of document. Code: body-malformed. */
export function parseSigningRole(body: string): Result<SigningRole, ParseError> {
  return parseText(body, { noun: 'signing-role', bytesMax: REQUEST_BYTES_MAX, reader: signingRole });
}

const signingRole = record<SigningRole>({
  threshold: whole({ min: 1, max: GROUPS_MAX }),
  groups: listOf(record<SigningGroup>({ name: label, keys: listOf(publicKey, { countMin: 1, countMax: KEYS_MAX }) }), {
    countMin: 1,
    countMax: GROUPS_MAX,
  }),
});

/** A root with sixteen keys of ECDSA; a registration answer holds two, and each is a text inside a text. */
const ROOT_CHARACTERS_MAX = 16_384;
const root = text({ charactersMin: 2, charactersMax: ROOT_CHARACTERS_MAX });

/** Reads the roots of both repositories inside another document. */
export const trustRoots = record<TrustRoots>({ image: root, director: root });

/** Reads trust anchors inside another document. */
export const trustAnchors = record<TrustAnchors>({
  releaseRole: signingRole,
  permitKeys: listOf(publicKey, { countMin: 1, countMax: KEYS_MAX }),
  approverRole: optional(signingRole),
  roots: optional(trustRoots),
});

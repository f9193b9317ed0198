// SPDX-License-Identifier: Apache-2.0
import type { Result } from '@outrider/domain/kernel/result';
import type {
  CivilMs,
  KnownPerson,
  PersonBlock,
  PersonSession,
  ServiceToken,
} from '@outrider/domain/trust/credentials';
import { PERSON_ROLES, type PersonRole } from '@outrider/domain/trust/person';
import type { Reach } from '@outrider/domain/trust/reach';
import { encodeJson, parseText } from '../kernel/json-text.ts';
import { REASON_CHARACTERS_MAX, REQUEST_BYTES_MAX } from '../kernel/limits.ts';
import type { ParseError } from '../kernel/parse-error.ts';
import { bool, keyOf, listOf, optional, type Reader, record, text, whole } from '../kernel/reader.ts';
import { label, sha256 } from '../kernel/values.ts';

/** Customers or regions that a role is limited to: as many as an attribute predicate takes would fit no cookie or claim. */
const NAMES_MAX = 256;

/** Reads one of the four roles. */
export const personRole = keyOf<PersonRole>(PERSON_ROLES);

/** Reads the roles of somebody. */
export const personRoles = listOf(personRole, { countMax: 4 });

const names = listOf(label, { countMax: NAMES_MAX });

/** Reads how far roles go. */
export const reach = record<Reach>({ customers: optional(names), regions: optional(names) });

/** Milliseconds of the wall clock are whole numbers: this is their reader. */
const civilMs = whole({ min: 0 }) as Reader<CivilMs>;

const shownName = text({ charactersMin: 1, charactersMax: 200 });

const serviceToken = record<ServiceToken>({
  tokenId: label,
  name: label,
  digest: sha256,
  roles: personRoles,
  reach,
  personId: label,
  createdAtMs: civilMs,
  expiresAtMs: civilMs,
  revokedAtMs: optional(civilMs),
  lastUsedAtMs: optional(civilMs),
});

const personSession = record<PersonSession>({
  digest: sha256,
  personId: label,
  name: shownName,
  roles: personRoles,
  reach,
  isBreakGlass: bool,
  beganAtMs: civilMs,
  lastUsedAtMs: civilMs,
});

const knownPerson = record<KnownPerson>({
  personId: label,
  name: shownName,
  firstSeenMs: civilMs,
  lastSeenMs: civilMs,
  blocked: optional(
    record<PersonBlock>({
      atMs: civilMs,
      by: label,
      reason: text({ charactersMin: 1, charactersMax: REASON_CHARACTERS_MAX }),
    }),
  ),
});

/** Writes a service token as it is stored: its secret is not among what it has. */
export function encodeServiceToken(token: ServiceToken): string {
  return encodeJson(token);
}

/** Reads a stored service token. Code: body-malformed. */
export function parseServiceToken(body: string): Result<ServiceToken, ParseError> {
  return parseText(body, { noun: 'service-token', bytesMax: REQUEST_BYTES_MAX, reader: serviceToken });
}

/** Writes a session as it is stored. */
export function encodePersonSession(session: PersonSession): string {
  return encodeJson(session);
}

/** Reads a stored session. Code: body-malformed. */
export function parsePersonSession(body: string): Result<PersonSession, ParseError> {
  return parseText(body, { noun: 'person-session', bytesMax: REQUEST_BYTES_MAX, reader: personSession });
}

/** Writes what is known of a person. */
export function encodeKnownPerson(person: KnownPerson): string {
  return encodeJson(person);
}

/** Reads what is known of a person. Code: body-malformed. */
export function parseKnownPerson(body: string): Result<KnownPerson, ParseError> {
  return parseText(body, { noun: 'known-person', bytesMax: REQUEST_BYTES_MAX, reader: knownPerson });
}

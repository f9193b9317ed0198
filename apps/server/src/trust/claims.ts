// SPDX-License-Identifier: Apache-2.0
import { ok, type Result } from '@outrider/domain/kernel/result';
import { type Credential, type Person, parsePersonId } from '@outrider/domain/trust/person';
import { grantedBy } from '@outrider/domain/trust/role-grants';
import { type CommandError, refuse } from '../errors.ts';
import type { PeopleSettings } from './people-settings.ts';

/** Values of the roles claim that are looked at: an issuer with more groups than this is told to send fewer. */
const VALUES_MAX = 1_000;

/** Who the claims of a verified token are about. Codes: person-id-unfit, person-without-role. */
export function personOf(
  claims: Readonly<Record<string, unknown>>,
  settings: PeopleSettings,
  credential: Credential,
): Result<Person, CommandError> {
  const { personClaim, rolesClaim, grants } = settings;
  const personId = parsePersonId(claims[personClaim]);
  if (!personId.ok) {
    const detail = `The claim ${personClaim} is ${personId.error.seen}, allowed are 1 to 100 letters, digits and . _ : @ + - that name no service; choose another claim with --oidc-person-claim`;
    return refuse('person-id-unfit', detail);
  }
  const granted = grantedBy(grants, textsIn(claims[rolesClaim]));
  if (granted === undefined) {
    const detail = `No value of the claim ${rolesClaim} of ${personId.value} grants a role here; let a group be given, or map one with --oidc-role`;
    return refuse('person-without-role', detail);
  }
  return ok({ personId: personId.value, name: nameIn(claims, personId.value), ...granted, credential });
}

/** Issuers send a list, one text, or a text of several words (RFC 8693 §4.2). */
function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value, ...value.split(' ')].slice(0, VALUES_MAX);
  return Array.isArray(value) ? value.slice(0, VALUES_MAX).filter((one) => typeof one === 'string') : [];
}

function nameIn(claims: Readonly<Record<string, unknown>>, personId: string): string {
  const name = [claims.name, claims.preferred_username].find((one) => typeof one === 'string' && one.trim() !== '');
  // Without what no store can hold: U+0000 and halves of surrogate pairs.
  return String(name ?? personId)
    .replaceAll('\u0000', '')
    .toWellFormed()
    .slice(0, 120);
}

// SPDX-License-Identifier: Apache-2.0
import type { PersonRole } from '@outrider/domain/trust/person';

/** Somebody whom the development issuer can vouch for. */
export interface DevelopmentPerson {
  readonly personId: string;
  readonly name: string;
  /** The value of the claim `groups`. */
  readonly group: string;
}

/** One for each role, and a second approver, so that two people can be tried out by one. */
export const DEVELOPMENT_PEOPLE: readonly DevelopmentPerson[] = [
  { personId: 'ada', name: 'Ada (operator)', group: 'operator' },
  { personId: 'grace', name: 'Grace (approver)', group: 'approver' },
  { personId: 'katherine', name: 'Katherine (approver)', group: 'approver' },
  { personId: 'vera', name: 'Vera (viewer)', group: 'viewer' },
  { personId: 'sam', name: 'Sam (security)', group: 'security' },
];

/** What the groups of the development issuer grant. */
export const DEVELOPMENT_GRANTS: readonly {
  readonly claim: string;
  readonly role: PersonRole;
  readonly reach: object;
}[] = (['operator', 'approver', 'viewer', 'security'] as const).map((role) => ({ claim: role, role, reach: {} }));

// SPDX-License-Identifier: Apache-2.0
import { err, ok, type Result } from '../kernel/result.ts';
import { PERSON_ROLES, type PersonRole } from './person.ts';
import type { Reach } from './reach.ts';

/** What a value of the issuer's roles claim grants: `fleet-operators=operator@customer:acme,region:eu`. */
export interface RoleGrant {
  readonly claim: string;
  readonly role: PersonRole;
  readonly reach: Reach;
}

/** What a line of the configuration says that no grant does. */
export interface GrantError {
  readonly code: 'grant-malformed';
  readonly seen: string;
}

/**
 * Reads `<claim>=<role>` with, after `@`, the customers and regions it is limited to: `customer:<name>` and `region:<name>`, by commas.
 * Code: grant-malformed.
 */
export function parseRoleGrant(text: string): Result<RoleGrant, GrantError> {
  const malformed = err({ code: 'grant-malformed', seen: text.slice(0, 200) } as const);
  const match = GRANT.exec(text);
  if (match === null) return malformed;
  const [, claim = '', role = '', limits] = match;
  if (!isRole(role)) return malformed;
  const reach = limits === undefined ? {} : parseLimits(limits);
  return reach === undefined ? malformed : ok({ claim, role, reach });
}

/** Whether a text is one of the four roles. */
export function isRole(text: string): text is PersonRole {
  return Object.hasOwn(PERSON_ROLES, text);
}

/**
 * Reads `customer:<name>` and `region:<name>`, by commas; undefined when something else stands there. An empty text is no limit
 * and is not one either.
 */
export function parseLimits(text: string): Reach | undefined {
  const found = { customer: [] as string[], region: [] as string[] };
  for (const part of text.split(',')) {
    const match = LIMIT.exec(part);
    if (match === null) return undefined;
    const [, kind, name = ''] = match;
    (kind === 'customer' ? found.customer : found.region).push(name);
  }
  return {
    ...(found.customer.length === 0 ? {} : { customers: [...new Set(found.customer)].sort() }),
    ...(found.region.length === 0 ? {} : { regions: [...new Set(found.region)].sort() }),
  };
}

const GRANT = /^([^=@\s]{1,200})=([a-z]{1,20})(?:@(\S{1,4000}))?$/;
const LIMIT = /^(customer|region):([A-Za-z0-9][A-Za-z0-9._:@+-]{0,127})$/;

/** The roles of somebody, and how far they go together. */
export interface Granted {
  readonly roles: readonly PersonRole[];
  readonly reach: Reach;
}

/**
 * What the values of a claim grant: roles add up, and their reach is what lies in the reaches of all of them, so that no
 * further group ever widens what somebody may change. Undefined: nothing is granted.
 */
export function grantedBy(grants: readonly RoleGrant[], values: readonly string[]): Granted | undefined {
  const own = grants.filter((one) => values.includes(one.claim));
  if (own.length === 0) return undefined;
  return { roles: [...new Set(own.map((one) => one.role))].sort(), reach: intersection(own.map((one) => one.reach)) };
}

/** What lies in all of them. */
function intersection(reaches: readonly Reach[]): Reach {
  return reaches.reduce<Reach>((all, one) => ({ ...both('customers', all, one), ...both('regions', all, one) }), {});
}

function both(name: 'customers' | 'regions', a: Reach, b: Reach): Reach {
  const [left, right] = [a[name], b[name]];
  if (left === undefined && right === undefined) return {};
  return {
    [name]: left === undefined ? right : right === undefined ? left : left.filter((one) => right.includes(one)),
  };
}

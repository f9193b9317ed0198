// SPDX-License-Identifier: Apache-2.0
import type { Sha256 } from '../kernel/ids.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import { sha256Text } from '../kernel/sha256.ts';
import type { Reach } from './reach.ts';

/** What somebody may do, by the kind of their work. A person may have several. */
export type PersonRole = keyof typeof PERSON_ROLES;

/** The four roles, each with what it is for. */
export const PERSON_ROLES = {
  viewer: 'Sees everything and changes nothing',
  operator: 'Publishes, plans, starts, stops and looks after devices; approves nothing',
  approver: 'Approves what another person planned, and may always stop',
  security: 'Looks after people, tokens and the audit log, and may always stop',
} as const;

/** Who is behind a request, however they proved it. */
export interface Person {
  /** What the issuer calls them for good; of a service token the person who made it: two-person rules go by this. */
  readonly personId: string;
  /** For people to read. */
  readonly name: string;
  readonly roles: readonly PersonRole[];
  readonly reach: Reach;
  readonly credential: Credential;
}

/** How somebody has proved who they are. */
export type Credential =
  | { readonly kind: 'sign-in' }
  | { readonly kind: 'session' }
  | { readonly kind: 'service-token'; readonly tokenId: string; readonly tokenName: string }
  /** The administrator's token: whoever holds the data folder. Everything is open to it, and all of it is recorded. */
  | {
      readonly kind: 'break-glass';
      /** Who they say they are: nobody has checked it. */
      readonly calledBy?: string;
    };

/** The author of what is done with the administrator's token, where nobody names themselves. */
export const ADMINISTRATOR = 'admin';

/** Authors that are no persons: nobody may be called so. */
const RESERVED: ReadonlySet<string> = new Set([ADMINISTRATOR, 'decision', 'server', 'unknown', 'cli']);

/** A name that cannot stand for a person in the logs. */
export interface PersonIdError {
  readonly code: 'person-id-unfit';
  readonly seen: string;
}

/** What the issuer calls somebody, if it can stand as an author in the logs for good. Code: person-id-unfit. */
export function parsePersonId(text: unknown): Result<string, PersonIdError> {
  const isFit = typeof text === 'string' && PERSON_ID.test(text) && !RESERVED.has(text.toLowerCase());
  if (isFit) return ok(text);
  return err({ code: 'person-id-unfit', seen: String(text).slice(0, 120) });
}

/**
 * How a root names the person behind an approver's key. Every device reads a root, and keeps it for good: who knows the person can
 * check it, and nobody learns a name from it.
 */
export function personDigest(personId: string): Sha256 {
  return sha256Text(`outrider-person|${personId}`);
}

/** As authors in the policy log. */
const PERSON_ID = /^[A-Za-z0-9][A-Za-z0-9._:@+-]{0,99}$/;

/** By what somebody acted, for the logs: one word. */
export function describeCredential(credential: Credential): string {
  return credential.kind === 'service-token' ? `service-token:${credential.tokenName}` : credential.kind;
}

// SPDX-License-Identifier: Apache-2.0
import type { Brand } from '../kernel/brand.ts';
import type { Sha256 } from '../kernel/ids.ts';
import type { PersonRole } from './person.ts';
import type { Reach } from './reach.ts';

/**
 * The wall clock of people and their issuers, in milliseconds since 1970. Not fleet time, which a conductor steps: a session would
 * end in the middle of a demonstration.
 */
export type CivilMs = Brand<number, 'CivilMs'>;

/** The wall clock as a port. */
export type CivilClock = () => CivilMs;

/** A token of a program that acts for a person. Its secret is shown once and kept by nobody here. */
export interface ServiceToken {
  readonly tokenId: string;
  /** What people call it; of those in force no two have one name. */
  readonly name: string;
  /** SHA-256 of the secret. */
  readonly digest: Sha256;
  readonly roles: readonly PersonRole[];
  readonly reach: Reach;
  /** Who made it: for two-person rules it is them. */
  readonly personId: string;
  readonly createdAtMs: CivilMs;
  readonly expiresAtMs: CivilMs;
  readonly revokedAtMs?: CivilMs;
  /** To about a minute. Absent: never. */
  readonly lastUsedAtMs?: CivilMs;
}

/** A person at a browser, from signing in to signing out. */
export interface PersonSession {
  /** SHA-256 of what the cookie holds. */
  readonly digest: Sha256;
  readonly personId: string;
  readonly name: string;
  readonly roles: readonly PersonRole[];
  readonly reach: Reach;
  /** True: it was begun with the administrator's token. */
  readonly isBreakGlass: boolean;
  readonly beganAtMs: CivilMs;
  readonly lastUsedAtMs: CivilMs;
}

/** Somebody who was here. */
export interface KnownPerson {
  readonly personId: string;
  readonly name: string;
  readonly firstSeenMs: CivilMs;
  readonly lastSeenMs: CivilMs;
  readonly blocked?: PersonBlock;
}

/** Why somebody is shut out. */
export interface PersonBlock {
  readonly atMs: CivilMs;
  readonly by: string;
  readonly reason: string;
}

/** A session that is not used for half an hour ends: whoever left a screen open is gone. */
export const SESSION_IDLE_MS = 1_800_000;
/** And after a working day in any case. */
export const SESSION_MS = 43_200_000;
/** The administrator's token opens one for an hour: an emergency is over by then, or it is opened again. */
export const BREAK_GLASS_SESSION_MS = 3_600_000;

/** Why a session or a token proves nothing any more; undefined: it does. */
export function faultOfSession(session: PersonSession, nowMs: CivilMs): 'session-expired' | undefined {
  const lifeMs = session.isBreakGlass ? BREAK_GLASS_SESSION_MS : SESSION_MS;
  const isOver = nowMs - session.beganAtMs >= lifeMs || nowMs - session.lastUsedAtMs >= SESSION_IDLE_MS;
  return isOver ? 'session-expired' : undefined;
}

/** Why a service token proves nothing any more; undefined: it does. */
export function faultOfToken(token: ServiceToken, nowMs: CivilMs): 'token-revoked' | 'token-expired' | undefined {
  if (token.revokedAtMs !== undefined) return 'token-revoked';
  return nowMs >= token.expiresAtMs ? 'token-expired' : undefined;
}

/** A service token lives at most a year: what nobody renews, nobody misses. */
export const TOKEN_LIFE_MS_MAX = 366 * 86_400_000;

/** The text of a service token: its id finds it, its secret proves it. */
export function serviceTokenText(tokenId: string, secret: string): string {
  return `${TOKEN_PREFIX}${tokenId}_${secret}`;
}

/** The parts of a text that has the shape of a service token. */
export function splitServiceToken(text: string): { readonly tokenId: string; readonly secret: string } | undefined {
  const match = /^ort_([0-9a-f]{16})_([0-9a-f]{64})$/.exec(text);
  const [, tokenId, secret] = match ?? [];
  return tokenId === undefined || secret === undefined ? undefined : { tokenId, secret };
}

/** Scanners of leaked secrets find ours by it. */
const TOKEN_PREFIX = 'ort_';

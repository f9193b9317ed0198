// SPDX-License-Identifier: Apache-2.0
import { randomSecret } from '@outrider/adapters/shared/random';
import type { FleetClock } from '@outrider/domain/kernel/clock';
import { ok, type Result } from '@outrider/domain/kernel/result';
import {
  type CivilClock,
  type CivilMs,
  faultOfToken,
  type ServiceToken,
  serviceTokenText,
  splitServiceToken,
} from '@outrider/domain/trust/credentials';
import type { Person, PersonRole } from '@outrider/domain/trust/person';
import type { DigestText, PeopleStore } from '@outrider/domain/trust/ports';
import { describeReach, isReachWithin, type Reach } from '@outrider/domain/trust/reach';
import { type CommandError, refuse } from '../errors.ts';
import { changedBy } from './changed-by.ts';

/** What people may see of a token: not even its digest. */
export type ShownToken = Omit<ServiceToken, 'digest'>;

export interface TokenRequest {
  readonly name: string;
  readonly roles: readonly PersonRole[];
  readonly reach: Reach;
  readonly days: number;
}

/** Tokens of programs: made by a person, with no more than the person has. */
export interface ServiceTokens {
  /** The text is in this answer and nowhere else, ever. Codes: credential-unfit, role-missing, out-of-reach, token-exists. */
  create(person: Person, request: TokenRequest): Promise<Result<ShownToken & { readonly token: string }, CommandError>>;
  /** Those of the person; of everybody for whoever looks after security. */
  list(person: Person): Promise<readonly ShownToken[]>;
  /** Codes: token-unknown, credential-unfit. */
  revoke(person: Person, tokenId: string, reason: string): Promise<Result<ShownToken, CommandError>>;
  /** Who is behind the text of a token. Codes: token-invalid, token-revoked, token-expired. */
  find(text: string): Promise<Result<Person, CommandError>>;
}

const ID_BYTES = 8;
/** The last use is for people who ask whether anybody still needs it. */
const NOTE_EVERY_MS = 60_000;
const DAY_MS = 86_400_000;

export function serviceTokens(options: {
  readonly people: PeopleStore;
  readonly civilClock: CivilClock;
  readonly fleetClock: FleetClock;
  readonly digestText: DigestText;
}): ServiceTokens {
  const { people, civilClock, fleetClock, digestText } = options;
  return {
    async create(person, { name, roles, reach, days }) {
      const fault = faultOfMaking(person, roles, reach);
      if (fault !== undefined) return fault;
      const [tokenId, secret, now] = [randomSecret(ID_BYTES), randomSecret(), civilClock()];
      const { personId } = person;
      const token: ServiceToken = {
        ...{ tokenId, name, digest: digestText(secret), roles: [...roles].sort(), reach, personId, createdAtMs: now },
        expiresAtMs: (now + days * DAY_MS) as CivilMs,
      };
      const isMade = await people.createToken(token, {
        ...changedBy(personId),
        at: fleetClock.now(),
        action: 'token-created',
        subject: name,
        detail: `${token.roles.join(', ')} of ${describeReach(reach)}, for ${days} days, id ${tokenId}`.slice(0, 500),
      });
      if (!isMade)
        return refuse('token-exists', `A service token ${name} is in force; revoke it, or choose another name`);
      return ok({ ...shown(token), token: serviceTokenText(tokenId, secret) });
    },
    async list(person) {
      const all = await people.listTokens();
      const own = person.roles.includes('security') ? all : all.filter((one) => one.personId === person.personId);
      return own.map(shown);
    },
    async revoke(person, tokenId, reason) {
      const token = await people.loadToken(tokenId);
      const isOpen = token !== undefined && (token.personId === person.personId || person.roles.includes('security'));
      if (!isOpen || token.revokedAtMs !== undefined) {
        return refuse(
          'token-unknown',
          'There is no service token in force with this id that you may revoke; list them',
        );
      }
      const now = civilClock();
      const note = { ...changedBy(person.personId), at: fleetClock.now(), action: 'token-revoked', reason } as const;
      await people.revokeToken(tokenId, now, { ...note, subject: token.name, detail: `id ${tokenId}` });
      return ok(shown({ ...token, revokedAtMs: now }));
    },
    async find(text) {
      const parts = splitServiceToken(text);
      const token = parts === undefined ? undefined : await people.loadToken(parts.tokenId);
      if (parts === undefined || token === undefined || token.digest !== digestText(parts.secret)) {
        return refuse('token-invalid', 'The service token is not one of this installation; make another');
      }
      const now = civilClock();
      const fault = faultOfToken(token, now);
      if (fault === 'token-revoked') return refuse(fault, `The service token ${token.name} was revoked; make another`);
      if (fault === 'token-expired') return refuse(fault, `The service token ${token.name} has expired; make another`);
      if (now - (token.lastUsedAtMs ?? 0) >= NOTE_EVERY_MS) await people.noteTokenUse(token.tokenId, now);
      const { personId, name, roles, reach, tokenId } = token;
      const credential = { kind: 'service-token', tokenId, tokenName: name } as const;
      return ok({ personId, name: `${name} of ${personId}`, roles, reach, credential });
    },
  };
}

/** Nobody hands on more than they have, and a token makes no tokens: a stolen one would outlive its revocation. */
function faultOfMaking(
  person: Person,
  roles: readonly PersonRole[],
  reach: Reach,
): ReturnType<typeof refuse> | undefined {
  if (person.credential.kind === 'service-token') {
    return refuse('credential-unfit', 'A service token makes no service tokens; sign in as a person');
  }
  const missing = roles.filter((role) => !person.roles.includes(role));
  if (missing.length > 0) {
    const detail = `You are not ${missing.join(', ')} yourself, so your token cannot be; ask for roles among ${person.roles.join(', ')}`;
    return refuse('role-missing', detail);
  }
  if (isReachWithin(reach, person.reach)) return undefined;
  const detail = `The token would reach ${describeReach(reach)}, you reach ${describeReach(person.reach)}; limit it to that`;
  return refuse('out-of-reach', detail);
}

function shown({ digest: _, ...token }: ServiceToken): ShownToken {
  return token;
}

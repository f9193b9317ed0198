// SPDX-License-Identifier: Apache-2.0
import type { DiscoveredIssuer } from '@outrider/adapters/shared/oidc/issuer';
import type { TokenVerifier } from '@outrider/adapters/shared/oidc/verify-token';
import type { FleetClock, MachineClock } from '@outrider/domain/kernel/clock';
import type { Sha256 } from '@outrider/domain/kernel/ids';
import { ok, type Result } from '@outrider/domain/kernel/result';
import type { CivilClock, KnownPerson } from '@outrider/domain/trust/credentials';
import { describeCredential, type Person, parsePersonId } from '@outrider/domain/trust/person';
import type { DigestText, PeopleStore } from '@outrider/domain/trust/ports';
import { type CommandError, refuse } from '../errors.ts';
import { currentSession } from '../log/request-context.ts';
import { changedBy } from './changed-by.ts';
import { type Identify, identify } from './identify.ts';
import type { PeopleSettings } from './people-settings.ts';
import { type ServiceTokens, serviceTokens } from './service-tokens.ts';
import { type Sessions, sessions } from './sessions.ts';

/** How people sign in at an issuer. */
export interface IssuerPorts {
  readonly settings: PeopleSettings;
  readonly discovered: DiscoveredIssuer;
  readonly verifier: TokenVerifier;
}

/** Everything about people, joined. */
export interface People {
  readonly identify: Identify;
  readonly sessions: Sessions;
  readonly serviceTokens: ServiceTokens;
  readonly blocks: Blocks;
  /** What somebody is told of themselves. */
  sessionOf(person: Person): object;
  /** Ends the session of the request under way; false: it has none. */
  endSession(): Promise<boolean>;
}

/** Who is shut out. */
export interface Blocks {
  list(): Promise<readonly KnownPerson[]>;
  block(by: Person, personId: string, reason: string): Promise<Result<BlockReceipt, CommandError>>;
  unblock(by: Person, personId: string, reason: string): Promise<Result<BlockReceipt, CommandError>>;
}

export interface BlockReceipt {
  readonly personId: string;
  readonly isBlocked: boolean;
}

export function joinPeople(options: {
  readonly people: PeopleStore;
  readonly adminTokenDigest: Sha256;
  readonly digestText: DigestText;
  readonly civilClock: CivilClock;
  readonly fleetClock: FleetClock;
  readonly machineClock: MachineClock;
  readonly issuer: () => IssuerPorts | undefined;
}): People {
  const own = sessions(options);
  const tokens = serviceTokens(options);
  return {
    identify: identify({ ...options, sessions: own, serviceTokens: tokens }),
    sessions: own,
    serviceTokens: tokens,
    blocks: blocks(options),
    sessionOf({ personId, name, roles, reach, credential }) {
      const secret = currentSession();
      const csrf = secret === undefined ? {} : { csrfToken: own.csrfToken(secret) };
      return { personId, name, roles, reach, credential: describeCredential(credential), ...csrf };
    },
    async endSession() {
      const secret = currentSession();
      if (secret !== undefined) await own.end(secret);
      return secret !== undefined;
    },
  };
}

function blocks(options: {
  readonly people: PeopleStore;
  readonly civilClock: CivilClock;
  readonly fleetClock: FleetClock;
}): Blocks {
  const { people, civilClock, fleetClock } = options;

  async function change(
    by: Person,
    { personId, reason, isBlocked }: BlockReceipt & { readonly reason: string },
  ): Promise<Result<BlockReceipt, CommandError>> {
    const named = parsePersonId(personId);
    if (!named.ok) return refuse('person-id-unfit', `${personId} is no person, so nobody is shut out by it`);
    if (isBlocked && personId === by.personId) {
      return refuse('credential-unfit', 'You would shut yourself out; let another person do it');
    }
    const block = { atMs: civilClock(), by: by.personId, reason };
    const action = isBlocked ? 'person-blocked' : 'person-unblocked';
    const note = { ...changedBy(by.personId), at: fleetClock.now(), action, subject: personId, reason } as const;
    await people.blockPerson(personId, isBlocked ? block : undefined, note);
    return ok({ personId, isBlocked });
  }

  return {
    list: () => people.listPeople(),
    block: (by, personId, reason) => change(by, { personId, reason, isBlocked: true }),
    unblock: (by, personId, reason) => change(by, { personId, reason, isBlocked: false }),
  };
}

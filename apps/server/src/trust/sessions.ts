// SPDX-License-Identifier: Apache-2.0
import { randomSecret } from '@outrider/adapters/shared/random';
import type { FleetClock } from '@outrider/domain/kernel/clock';
import { ok, type Result } from '@outrider/domain/kernel/result';
import {
  BREAK_GLASS_SESSION_MS,
  type CivilClock,
  type CivilMs,
  faultOfSession,
  type PersonSession,
  SESSION_MS,
} from '@outrider/domain/trust/credentials';
import { ADMINISTRATOR, type Person } from '@outrider/domain/trust/person';
import type { DigestText, PeopleStore } from '@outrider/domain/trust/ports';
import { type CommandError, refuse } from '../errors.ts';
import { requestId } from '../log/request-context.ts';

/** Sessions of people at a browser. The secret is in a cookie that no script can read; here only its digest is kept. */
export interface Sessions {
  /** Begins one; answers what the cookie has to hold. */
  begin(person: Person): Promise<string>;
  /** Codes: session-expired. */
  find(secret: string): Promise<Result<Person, CommandError>>;
  end(secret: string): Promise<void>;
  /** What a page has to send along with each change: other sites cannot read it. */
  csrfToken(secret: string): string;
}

/** A use is written at most so often: the limit of half an hour is meant to the minute. */
const NOTE_EVERY_MS = 60_000;

export function sessions(options: {
  readonly people: PeopleStore;
  readonly civilClock: CivilClock;
  readonly fleetClock: FleetClock;
  readonly digestText: DigestText;
}): Sessions {
  const { people, civilClock, fleetClock, digestText } = options;
  return {
    async begin(person) {
      const secret = randomSecret();
      const now = civilClock();
      const isBreakGlass = person.credential.kind === 'break-glass';
      const { personId, name, roles, reach } = person;
      const digest = digestText(secret);
      const session: PersonSession = {
        ...{ digest, personId, name, roles, reach, isBreakGlass },
        ...{ beganAtMs: now, lastUsedAtMs: now },
      };
      const id = requestId();
      await people.createSession(session, {
        actor: personId,
        at: fleetClock.now(),
        action: isBreakGlass ? 'break-glass-used' : 'signed-in',
        subject: personId,
        detail: `as ${roles.join(', ')}`,
        ...(id === undefined ? {} : { requestId: id }),
      });
      await people.forgetSessions((now - SESSION_MS) as CivilMs);
      return secret;
    },
    async find(secret) {
      const now = civilClock();
      const digest = digestText(secret);
      const session = await people.loadSession(digest);
      if (session === undefined || faultOfSession(session, now) !== undefined) {
        if (session !== undefined) await people.endSession(digest);
        return refuse('session-expired', 'The session has ended; sign in again');
      }
      if (now - session.lastUsedAtMs >= NOTE_EVERY_MS) await people.noteSessionUse(digest, now);
      const { personId, name, roles, reach, isBreakGlass } = session;
      return ok({ personId, name, roles, reach, credential: { kind: isBreakGlass ? 'break-glass' : 'session' } });
    },
    async end(secret) {
      await people.endSession(digestText(secret));
    },
    csrfToken: (secret) => digestText(`outrider csrf ${secret}`),
  };
}

/** Whoever holds the token of the administrator. */
export const BREAK_GLASS: Person = {
  personId: ADMINISTRATOR,
  name: 'Administrator (break-glass)',
  roles: ['approver', 'operator', 'security', 'viewer'],
  reach: {},
  credential: { kind: 'break-glass' },
};

/** How long a cookie may live, in seconds: the session in the database decides. */
export function cookieLifeS(person: Person): number {
  return (person.credential.kind === 'break-glass' ? BREAK_GLASS_SESSION_MS : SESSION_MS) / 1_000;
}

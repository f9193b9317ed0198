// SPDX-License-Identifier: Apache-2.0
import type { TokenVerifier } from '@outrider/adapters/shared/oidc/verify-token';
import type { MachineClock } from '@outrider/domain/kernel/clock';
import type { Sha256 } from '@outrider/domain/kernel/ids';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import type { CivilClock } from '@outrider/domain/trust/credentials';
import { describeCredential, type Person } from '@outrider/domain/trust/person';
import type { DigestText, PeopleStore } from '@outrider/domain/trust/ports';
import { type CommandError, refuse } from '../errors.ts';
import { personOf } from './claims.ts';
import type { PeopleSettings } from './people-settings.ts';
import { rateLimiter } from './rate-limit.ts';
import type { ServiceTokens } from './service-tokens.ts';
import { BREAK_GLASS, type Sessions } from './sessions.ts';

/** What a request says of whoever sent it. */
export interface Proof {
  readonly method: string;
  readonly authorization: string | undefined;
  /** What the session cookie holds. */
  readonly session: string | undefined;
  readonly csrfToken: string | undefined;
  /** `Sec-Fetch-Site` (Fetch Metadata): browsers say it, and pages cannot change it. */
  readonly fetchSite: string | undefined;
  readonly address: string;
  /** Who somebody with the administrator's token says they are: `X-Outrider-Author`. */
  readonly calledBy: string | undefined;
}

/** A refusal, perhaps with the seconds after which to come again. */
export type Refused = CommandError & { readonly retryS?: number };

/** Finds out who is behind a request. */
export interface Identify {
  identify(proof: Proof): Promise<Result<Person, Refused>>;
  /** Whether a text is the administrator's token; tries that fail are counted by address. */
  breakGlass(token: string, address: string): Result<Person, Refused>;
  /** Counts a proof that failed. What is left after too many: a refusal that says when to come again. */
  failed(error: CommandError, address: string): Refused;
  /** Notes that somebody was here, or refuses who is shut out. Code: person-blocked. */
  admit(person: Person): Promise<Result<Person, CommandError>>;
}

/** A page asks a dozen things at once, a pipeline some hundred; an import sends a request in seconds. */
const CALLS = { burst: 1_000, perSecond: 100 };
/** The demonstration steps its clock by the administrator's token, as fast as the machine can; it is no way in for the many. */
const BREAK_GLASS_CALLS = { burst: 10_000, perSecond: 1_000 };
/** A person mistypes thrice. Right proofs are never held up by this: whoever guesses locks nobody else out. */
const FAILURES = { burst: 10, perSecond: 0.2 };
/** Proofs that somebody may have made up. What once was good, or is good and opens nothing here, is none. */
const GUESSES: ReadonlySet<CommandError['code']> = new Set<CommandError['code']>([
  'token-invalid',
  'token-signature-invalid',
  'token-key-unknown',
  'sign-in-state-differs',
  'sign-in-refused',
]);
/** Who was here is written at most so often. */
const NOTE_EVERY_MS = 60_000;
/** Those noted lately: as many as a company has people at work here. */
const NOTED_MAX = 10_000;

export function identify(options: {
  readonly people: PeopleStore;
  readonly sessions: Sessions;
  readonly serviceTokens: ServiceTokens;
  readonly adminTokenDigest: Sha256;
  readonly digestText: DigestText;
  readonly civilClock: CivilClock;
  readonly machineClock: MachineClock;
  /** Undefined: nobody signs in by an issuer. */
  readonly issuer: () => { readonly settings: PeopleSettings; readonly verifier: TokenVerifier } | undefined;
}): Identify {
  const { people, sessions, serviceTokens, digestText, civilClock } = options;
  const calls = rateLimiter(CALLS, options.machineClock);
  const breakGlassCalls = rateLimiter(BREAK_GLASS_CALLS, options.machineClock);
  const failures = rateLimiter(FAILURES, options.machineClock);
  const notedAt = new Map<string, number>();

  async function byBearer(token: string): Promise<Result<Person, CommandError>> {
    // Digests are compared, so that the time it takes tells nothing about the token.
    if (digestText(token) === options.adminTokenDigest) return ok(BREAK_GLASS);
    if (token.startsWith('ort_')) return serviceTokens.find(token);
    const issuer = options.issuer();
    if (issuer === undefined || token.split('.').length !== 3) return refuse('token-invalid', WHAT_TO_SEND);
    const verified = await issuer.verifier.verify(token, civilClock());
    if (!verified.ok) return err(verified.error);
    return personOf(verified.value, issuer.settings, { kind: 'sign-in' });
  }

  async function bySession(secret: string, proof: Proof): Promise<Result<Person, CommandError>> {
    const found = await sessions.find(secret);
    if (!found.ok || proof.method === 'GET' || proof.method === 'HEAD') return found;
    const isOwnPage = proof.fetchSite === undefined || proof.fetchSite === 'same-origin';
    if (isOwnPage && proof.csrfToken === sessions.csrfToken(secret)) return found;
    const detail =
      'The change did not come from the page of this server: it lacks the header x-outrider-csrf of the session';
    return refuse('csrf-missing', detail);
  }

  async function prove(proof: Proof): Promise<Result<Person, CommandError>> {
    const [scheme, token] = (proof.authorization ?? '').split(' ', 2);
    if (scheme?.toLowerCase() === 'bearer' && token !== undefined) return byBearer(token);
    if (proof.session !== undefined) return bySession(proof.session, proof);
    return refuse('token-invalid', WHAT_TO_SEND);
  }

  async function admit(person: Person): Promise<Result<Person, CommandError>> {
    // The last way in asks nobody, the database included.
    if (person.credential.kind === 'break-glass') return ok(person);
    const { personId, name } = person;
    const now = civilClock();
    const isNoted = now - (notedAt.get(personId) ?? 0) < NOTE_EVERY_MS || person.credential.kind === 'service-token';
    const known = isNoted ? await people.loadPerson(personId) : await people.notePerson({ personId, name, atMs: now });
    if (!isNoted) {
      if (notedAt.size >= NOTED_MAX) notedAt.clear();
      notedAt.set(personId, now);
    }
    if (known?.blocked === undefined) return ok(person);
    return refuse(
      'person-blocked',
      `${personId} is shut out since ${new Date(known.blocked.atMs).toISOString()}; ask who looks after security`,
    );
  }

  function failed(error: CommandError, address: string): Refused {
    if (!GUESSES.has(error.code)) return error;
    const retryS = failures.take(address);
    if (retryS === undefined) return error;
    return { ...tooMany(`Too many proofs from this address have failed; the last one: ${error.code}`), retryS };
  }

  return {
    failed,
    admit,
    async identify(proof) {
      const proved = await prove(proof);
      if (!proved.ok) return err(failed(proved.error, proof.address));
      const own = proved.value.credential.kind === 'break-glass' ? breakGlassCalls : calls;
      const retryS = own.take(callerOf(proved.value, proof.address));
      if (retryS !== undefined) {
        return err({ ...tooMany(`More than ${CALLS.perSecond} requests a second came from one caller`), retryS });
      }
      return admit(called(proved.value, proof.calledBy));
    },
    breakGlass(token, address) {
      if (digestText(token.trim()) === options.adminTokenDigest) return ok(BREAK_GLASS);
      const detail =
        'The text is not the token of the administrator; it stands in the file admin-token of the data folder';
      return err(failed({ code: 'token-invalid', detail }, address));
    },
  };
}

function called(person: Person, calledBy: string | undefined): Person {
  if (person.credential.kind !== 'break-glass' || calledBy === undefined || !AUTHOR.test(calledBy)) return person;
  return { ...person, credential: { kind: 'break-glass', calledBy } };
}

/** As authors in the policy log; the rule itself is nobody's name. */
const AUTHOR = /^(?!decision$)[A-Za-z0-9][A-Za-z0-9._:@+-]{0,99}$/;

const WHAT_TO_SEND =
  'The request carries no valid bearer token; sign in with `outrider login`, or send "Authorization: Bearer" with a service token or the text of the file admin-token';

/** Each token counts for itself, and the administrator's by address: it is one token of many people. */
function callerOf({ personId, credential }: Person, address: string): string {
  if (credential.kind === 'break-glass') return `break-glass ${address}`;
  return credential.kind === 'service-token' ? credential.tokenId : `${describeCredential(credential)} ${personId}`;
}

function tooMany(what: string): CommandError {
  return { code: 'rate-limited', detail: `${what}; wait as long as Retry-After says` };
}

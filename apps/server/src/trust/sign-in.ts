// SPDX-License-Identifier: Apache-2.0
import { beginSignIn, finishSignIn } from '@outrider/adapters/shared/oidc/code-flow';
import type { DiscoveredIssuer } from '@outrider/adapters/shared/oidc/issuer';
import { ATTEMPT_S, openAttempt, sealAttempt } from '@outrider/adapters/shared/oidc/sealed-attempt';
import type { TokenVerifier } from '@outrider/adapters/shared/oidc/verify-token';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import type { CivilClock } from '@outrider/domain/trust/credentials';
import type { Person } from '@outrider/domain/trust/person';
import { type CommandError, refuse } from '../errors.ts';
import { personOf } from './claims.ts';
import type { PeopleSettings } from './people-settings.ts';

/** What the command line has to know to sign somebody in; none of it is secret. */
export interface ShownSignIn {
  readonly issuer: string;
  readonly clientId: string;
  readonly scope: string;
  readonly clockSkewS: number;
  readonly isDevelopment: boolean;
}

/** The console as a client of the issuer: authorization code with PKCE, state and nonce. */
export interface SignIn {
  /** Where people reach this server: cookies and the answer of the issuer belong there. */
  readonly origin: string;
  readonly attemptS: number;
  shown(): ShownSignIn;
  begin(): Promise<Result<{ readonly url: string; readonly sealed: string }, CommandError>>;
  /** `target`: path and query of the answer; `sealed`: what the cookie of the attempt holds. */
  finish(target: string, sealed: string | undefined): Promise<Result<Person, CommandError>>;
}

export const CALLBACK_PATH = '/sign-in/callback';

export function signIn(options: {
  readonly origin: string;
  readonly settings: PeopleSettings;
  readonly discovered: DiscoveredIssuer;
  readonly verifier: TokenVerifier;
  /** 64 hexadecimal digits that all servers of the installation share. */
  readonly sealKey: string;
  readonly civilClock: CivilClock;
}): SignIn {
  const { origin, settings, discovered, verifier, sealKey, civilClock } = options;
  const { issuer, cliClientId, scope, clockSkewS, isDevelopment } = settings;
  return {
    origin,
    attemptS: ATTEMPT_S,
    shown: () => ({ issuer, clientId: cliClientId, scope, clockSkewS, isDevelopment }),
    async begin() {
      const begun = await beginSignIn(discovered, { redirectUri: `${origin}${CALLBACK_PATH}`, scope });
      if (!begun.ok) return err(begun.error);
      const { url, attempt } = begun.value;
      return ok({ url, sealed: await sealAttempt(attempt, sealKey, civilClock()) });
    },
    async finish(target, sealed) {
      const attempt = sealed === undefined ? undefined : await openAttempt(sealed, sealKey, civilClock());
      if (attempt === undefined) {
        const detail = 'This browser has begun no sign-in in the last ten minutes; begin again';
        return refuse('sign-in-state-differs', detail);
      }
      const finished = await finishSignIn(discovered, new URL(target, origin), attempt);
      if (!finished.ok) return err(finished.error);
      // Signature, algorithm, issuer, audience and times: the same eyes as for a bearer token.
      const verified = await verifier.verify(finished.value.idToken, civilClock());
      return verified.ok ? personOf(verified.value, settings, { kind: 'sign-in' }) : err(verified.error);
    },
  };
}

// SPDX-License-Identifier: Apache-2.0

import { sha256Base64Url } from '@outrider/adapters/shared/digest';
import { isLoopback } from '@outrider/adapters/shared/oidc/issuer';
import type { TokenSigner } from '@outrider/adapters/shared/oidc/signing-key';
import { randomSecret } from '@outrider/adapters/shared/random';
import type { Sha256 } from '@outrider/domain/kernel/ids';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import type { CivilClock, CivilMs } from '@outrider/domain/trust/credentials';
import type { DigestText } from '@outrider/domain/trust/ports';
import { DEVELOPMENT_PEOPLE, type DevelopmentPerson } from './people.ts';

/**
 * An OpenID Connect issuer for one machine: authorization code with PKCE, and nothing else. Whoever has the file
 * development-password can be each of its people, so it is no protection between people, and is there on a loopback address alone.
 */
export interface DevelopmentIssuer {
  /** `/.well-known/openid-configuration` (OpenID Connect Discovery 1.0 §3). */
  discovery(): object;
  keys(): object;
  /** The client and where its answer goes, or why no page is shown. */
  checkAsked(query: URLSearchParams): Result<{ readonly redirectUri: string }, string>;
  /** Where the browser goes once the person has proved themselves; undefined: the password is wrong. */
  vouch(query: URLSearchParams, person: string, password: string): string | undefined;
  /** A code for tokens, once (RFC 6749 §5). */
  exchange(
    form: URLSearchParams,
  ): Promise<Result<object, { readonly error: string; readonly error_description: string }>>;
}

/** A code is used within a second. */
const CODE_MS = 60_000;
/** Codes that were given and not used. */
const CODES_MAX = 1_000;
/** A working day: then the command line signs in anew. */
const TOKEN_S = 28_800;

interface Granted {
  readonly query: URLSearchParams;
  readonly person: DevelopmentPerson;
  readonly at: CivilMs;
}

export function developmentIssuer(options: {
  readonly issuer: string;
  readonly consoleClient: { readonly clientId: string; readonly redirectUri: string };
  readonly cliClientId: string;
  readonly passwordDigest: Sha256;
  readonly digestText: DigestText;
  readonly signer: TokenSigner;
  readonly civilClock: CivilClock;
}): DevelopmentIssuer {
  const { issuer, consoleClient, cliClientId, signer, civilClock } = options;
  const codes = new Map<string, Granted>();

  function isKnownClient(clientId: string | null, redirectUri: string | null): boolean {
    if (redirectUri === null || !URL.canParse(redirectUri)) return false;
    if (clientId === consoleClient.clientId) return redirectUri === consoleClient.redirectUri;
    const url = new URL(redirectUri);
    // The command line listens on any free port (RFC 8252 §7.3).
    return clientId === cliClientId && url.protocol === 'http:' && isLoopback(url) && url.pathname === '/callback';
  }

  function checkAsked(query: URLSearchParams): Result<{ readonly redirectUri: string }, string> {
    const redirectUri = query.get('redirect_uri');
    if (!isKnownClient(query.get('client_id'), redirectUri))
      return err('The client or its redirect_uri is not known here');
    if (query.get('response_type') !== 'code') return err('The response_type must be code');
    if (query.get('code_challenge_method') !== 'S256' || !/^[\w-]{43}$/.test(query.get('code_challenge') ?? ''))
      return err('A code_challenge by the method S256 is needed');
    if (!(query.get('scope') ?? '').split(' ').includes('openid')) return err('The scope must include openid');
    return ok({ redirectUri: redirectUri ?? '' });
  }

  return {
    discovery: () => ({
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/keys`,
      response_types_supported: ['code'],
      grant_types_supported: ['authorization_code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['ES256'],
      code_challenge_methods_supported: ['S256'],
      token_endpoint_auth_methods_supported: ['none'],
      scopes_supported: ['openid', 'profile'],
      authorization_response_iss_parameter_supported: true,
    }),
    keys: () => signer.publicKeys,
    checkAsked,

    vouch(query, personId, password) {
      const asked = checkAsked(query);
      const person = DEVELOPMENT_PEOPLE.find((one) => one.personId === personId);
      if (!asked.ok || person === undefined) return undefined;
      if (options.digestText(password.trim()) !== options.passwordDigest) return undefined;
      const code = randomSecret();
      if (codes.size >= CODES_MAX) codes.clear();
      codes.set(code, { query, person, at: civilClock() });
      const target = new URL(asked.value.redirectUri);
      target.searchParams.set('code', code);
      target.searchParams.set('iss', issuer);
      const state = query.get('state');
      if (state !== null) target.searchParams.set('state', state);
      return target.href;
    },

    async exchange(form) {
      const refused = (error_description: string) => err({ error: 'invalid_grant', error_description });
      if (form.get('grant_type') !== 'authorization_code')
        return err({ error: 'unsupported_grant_type', error_description: 'Only authorization_code is given here' });
      const code = form.get('code') ?? '';
      const granted = codes.get(code);
      // Whatever comes of it, a code is good for one try.
      codes.delete(code);
      const now = civilClock();
      if (granted === undefined || now - granted.at > CODE_MS) return refused('The code is not known, used or too old');
      const { query, person } = granted;
      if (form.get('client_id') !== query.get('client_id') || form.get('redirect_uri') !== query.get('redirect_uri'))
        return refused('The code was given to another client');
      if (sha256Base64Url(form.get('code_verifier') ?? '') !== query.get('code_challenge'))
        return refused('The code_verifier does not fit the code_challenge');
      const nonce = query.get('nonce');
      const claims = {
        iss: issuer,
        sub: person.personId,
        aud: query.get('client_id'),
        name: person.name,
        groups: [person.group],
        ...(nonce === null ? {} : { nonce }),
      };
      const idToken = await signer.sign(claims, { nowMs: now, seconds: TOKEN_S });
      return ok({ access_token: randomSecret(), token_type: 'Bearer', expires_in: TOKEN_S, id_token: idToken });
    },
  };
}

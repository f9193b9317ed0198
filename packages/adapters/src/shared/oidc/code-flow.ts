// SPDX-License-Identifier: Apache-2.0
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import * as client from 'openid-client';
import type { DiscoveredIssuer, IssuerFault } from './issuer.ts';

/** What a sign-in has to remember until its person comes back: secrets of this one attempt. */
export interface SignInAttempt {
  readonly state: string;
  readonly nonce: string;
  /** PKCE (RFC 7636): whoever catches the code cannot use it. */
  readonly verifier: string;
}

/** What the issuer gave for a code. */
export interface IssuedTokens {
  readonly idToken: string;
  readonly refreshToken?: string;
}

export type SignInFault =
  | IssuerFault
  /** The answer belongs to no attempt of this browser. */
  | { readonly code: 'sign-in-state-differs'; readonly detail: string }
  /** The issuer, or the person there, said no. */
  | { readonly code: 'sign-in-refused'; readonly detail: string };

/** The address at which a person signs in, and what to remember of it. */
export async function beginSignIn(
  discovered: DiscoveredIssuer,
  { redirectUri, scope }: { readonly redirectUri: string; readonly scope: string },
): Promise<Result<{ readonly url: string; readonly attempt: SignInAttempt }, IssuerFault>> {
  const configuration = await discovered.configuration();
  if (!configuration.ok) return configuration;
  const attempt = {
    state: client.randomState(),
    nonce: client.randomNonce(),
    verifier: client.randomPKCECodeVerifier(),
  };
  const url = client.buildAuthorizationUrl(configuration.value, {
    redirect_uri: redirectUri,
    scope,
    state: attempt.state,
    nonce: attempt.nonce,
    code_challenge: await client.calculatePKCECodeChallenge(attempt.verifier),
    code_challenge_method: 'S256',
  });
  return ok({ url: url.href, attempt });
}

/** Turns the answer of the issuer into tokens. State and nonce must be those of the attempt. */
export async function finishSignIn(
  discovered: DiscoveredIssuer,
  answer: URL,
  attempt: SignInAttempt,
): Promise<Result<IssuedTokens, SignInFault>> {
  const configuration = await discovered.configuration();
  if (!configuration.ok) return configuration;
  if (answer.searchParams.get('state') !== attempt.state) {
    const detail = 'The answer of the issuer belongs to another sign-in; begin again';
    return err({ code: 'sign-in-state-differs', detail });
  }
  try {
    const tokens = await client.authorizationCodeGrant(configuration.value, answer, {
      pkceCodeVerifier: attempt.verifier,
      expectedState: attempt.state,
      expectedNonce: attempt.nonce,
      idTokenExpected: true,
    });
    return ok(issued(tokens));
  } catch (cause) {
    return err(faultOf(cause));
  }
}

/** New tokens for an old sign-in, where the issuer gives them. */
export async function refreshSignIn(
  discovered: DiscoveredIssuer,
  refreshToken: string,
): Promise<Result<IssuedTokens, SignInFault>> {
  const configuration = await discovered.configuration();
  if (!configuration.ok) return configuration;
  try {
    const tokens = await client.refreshTokenGrant(configuration.value, refreshToken);
    return tokens.id_token === undefined
      ? err({ code: 'sign-in-refused', detail: 'The issuer renewed the sign-in without an ID token; sign in again' })
      : ok({ ...issued(tokens), ...(tokens.refresh_token === undefined ? { refreshToken } : {}) });
  } catch (cause) {
    return err(faultOf(cause));
  }
}

/** Signing in where there is no browser (RFC 8628): `show` is told the address and the code to type there. */
export async function signInByDeviceCode(
  discovered: DiscoveredIssuer,
  options: {
    readonly scope: string;
    readonly show: (address: string, code: string) => void;
    readonly signal?: AbortSignal;
  },
): Promise<Result<IssuedTokens, SignInFault>> {
  const configuration = await discovered.configuration();
  if (!configuration.ok) return configuration;
  if (configuration.value.serverMetadata().device_authorization_endpoint === undefined) {
    const detail = 'The issuer has no sign-in by device code; sign in with a browser';
    return err({ code: 'sign-in-refused', detail });
  }
  try {
    const begun = await client.initiateDeviceAuthorization(configuration.value, { scope: options.scope });
    options.show(begun.verification_uri_complete ?? begun.verification_uri, begun.user_code);
    const tokens = await client.pollDeviceAuthorizationGrant(configuration.value, begun, undefined, {
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    return ok(issued(tokens));
  } catch (cause) {
    return err(faultOf(cause));
  }
}

function issued(tokens: client.TokenEndpointResponse): IssuedTokens {
  return {
    idToken: tokens.id_token ?? '',
    ...(tokens.refresh_token === undefined ? {} : { refreshToken: tokens.refresh_token }),
  };
}

/** The one place where what openid-client throws gets our names. */
function faultOf(cause: unknown): SignInFault {
  if (cause instanceof client.AuthorizationResponseError || cause instanceof client.ResponseBodyError) {
    const said = cause.error_description === undefined ? cause.error : `${cause.error}: ${cause.error_description}`;
    return { code: 'sign-in-refused', detail: `The issuer refused the sign-in (${said.slice(0, 200)}); begin again` };
  }
  if (cause instanceof client.ClientError && cause.code !== 'OAUTH_TIMEOUT' && cause.code !== 'OAUTH_ABORT') {
    const reason = cause.cause instanceof Error ? cause.cause.message : cause.message;
    return {
      code: 'sign-in-refused',
      detail: `The answer of the issuer cannot be believed (${reason.slice(0, 200)}); begin again`,
    };
  }
  if (cause instanceof TypeError || cause instanceof client.ClientError || cause instanceof DOMException) {
    return { code: 'issuer-unreachable', detail: 'The issuer did not answer; try again in a minute' };
  }
  throw cause;
}

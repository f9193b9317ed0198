// SPDX-License-Identifier: Apache-2.0
import type { MachineClock } from '@outrider/domain/kernel/clock';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import { elapsedMs, type MachineInstant } from '@outrider/domain/kernel/time';
import type { CivilMs } from '@outrider/domain/trust/credentials';
import { createLocalJWKSet, createRemoteJWKSet, errors, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose';
import type { DiscoveredIssuer } from './issuer.ts';

/** Why a token of an issuer proves nothing. Each has a name, so that nobody has to guess what to repair. */
export type IssuerTokenCode =
  | 'token-invalid'
  | 'token-signature-invalid'
  | 'token-algorithm-refused'
  | 'token-key-unknown'
  | 'token-issuer-differs'
  | 'token-audience-differs'
  | 'token-expired'
  | 'token-not-yet-valid'
  | 'issuer-unreachable';

export interface IssuerTokenFault {
  readonly code: IssuerTokenCode;
  readonly detail: string;
}

/** What a token must fit. */
export interface TokenTerms {
  readonly issuer: string;
  /** One of these must be in `aud`. */
  readonly audiences: readonly string[];
  /** Only these: never `none`, and never an HMAC, whose key every client would have. */
  readonly algorithms: readonly string[];
  readonly clockSkewS: number;
  /** How soon keys that are not known are asked for again; an attacker who makes up key ids costs the issuer nothing. */
  readonly keysCooldownMs?: number;
}

/** Verifies tokens of one issuer by its published keys. */
export interface TokenVerifier {
  verify(token: string, nowMs: CivilMs): Promise<Result<JWTPayload, IssuerTokenFault>>;
}

/** Algorithms with public keys (RFC 7518, RFC 8037): what an issuer may be allowed. */
export const ALGORITHMS = ['ES256', 'ES384', 'EdDSA', 'Ed25519', 'RS256', 'PS256'] as const;

const COOLDOWN_MS = 30_000;
/** After these keys are asked for anew, so that one that was withdrawn is believed no longer. */
const KEYS_MS = 600_000;
/** While the issuer is away the keys it had last are believed for a night, and then no more. */
const KEYS_WITHOUT_ISSUER_MS = 43_200_000;
const KEYS_ANSWER_MS = 5_000;
/** Older tokens are refused whatever they say about their end. */
const TOKEN_AGE_S = 86_400;

export function tokenVerifier(
  discovered: DiscoveredIssuer,
  terms: TokenTerms,
  machineClock: MachineClock,
): TokenVerifier {
  let keys: { readonly url: string; readonly remote: ReturnType<typeof createRemoteJWKSet> } | undefined;
  let last: { readonly keys: JSONWebKeySet; readonly at: MachineInstant } | undefined;

  function remoteAt(url: string): ReturnType<typeof createRemoteJWKSet> {
    if (keys?.url !== url) {
      const cooldownDuration = terms.keysCooldownMs ?? COOLDOWN_MS;
      const options = { cooldownDuration, cacheMaxAge: KEYS_MS, timeoutDuration: KEYS_ANSWER_MS };
      keys = { url, remote: createRemoteJWKSet(new URL(url), options) };
    }
    return keys.remote;
  }

  async function verifyBy(token: string, getKey: Parameters<typeof jwtVerify>[1], nowMs: CivilMs) {
    const { payload } = await jwtVerify(token, getKey, {
      issuer: terms.issuer,
      audience: [...terms.audiences],
      algorithms: [...terms.algorithms],
      clockTolerance: terms.clockSkewS,
      maxTokenAge: TOKEN_AGE_S,
      currentDate: new Date(nowMs),
      requiredClaims: ['sub', 'exp', 'iat'],
    });
    return payload;
  }

  return {
    async verify(token, nowMs) {
      const configuration = await discovered.configuration();
      if (!configuration.ok) return configuration;
      const url = configuration.value.serverMetadata().jwks_uri;
      if (url === undefined) return err({ code: 'issuer-unreachable', detail: 'The issuer names no keys (jwks_uri)' });
      const remote = remoteAt(url);
      try {
        const payload = await verifyBy(token, remote, nowMs);
        const current = remote.jwks();
        if (current !== undefined) last = { keys: current, at: machineClock.now() };
        return ok(payload);
      } catch (cause) {
        if (!isIssuerAway(cause)) return err(faultOf(cause, terms));
        if (last === undefined || elapsedMs(last.at, machineClock.now()) > KEYS_WITHOUT_ISSUER_MS) {
          return err(faultOf(cause, terms));
        }
        try {
          return ok(await verifyBy(token, createLocalJWKSet(last.keys), nowMs));
        } catch (again) {
          return err(faultOf(again, terms));
        }
      }
    },
  };
}

/** A time-out, a refused connection, or an answer that is no set of keys: in all of them the token itself was not judged. */
function isIssuerAway(cause: unknown): boolean {
  if (cause instanceof errors.JWKSTimeout || cause instanceof errors.JWKSInvalid) return true;
  if (cause instanceof errors.JOSEError) return cause.code === 'ERR_JOSE_GENERIC';
  return cause instanceof TypeError || (cause instanceof DOMException && cause.name === 'TimeoutError');
}

/** The one place where what jose throws gets our names. */
function faultOf(cause: unknown, terms: TokenTerms): IssuerTokenFault {
  if (isIssuerAway(cause)) {
    return {
      code: 'issuer-unreachable',
      detail: `The keys of ${terms.issuer} cannot be read; try again, or use the break-glass token`,
    };
  }
  if (cause instanceof errors.JWTExpired) {
    return { code: 'token-expired', detail: 'The token has expired; sign in again' };
  }
  if (cause instanceof errors.JWTClaimValidationFailed) return faultOfClaim(cause, terms);
  if (cause instanceof errors.JOSEAlgNotAllowed) {
    const detail = `The token is signed by an algorithm that is not allowed; allowed are ${terms.algorithms.join(', ')}`;
    return { code: 'token-algorithm-refused', detail };
  }
  if (cause instanceof errors.JWKSNoMatchingKey || cause instanceof errors.JWKSMultipleMatchingKeys) {
    const detail = `The token is signed by a key that ${terms.issuer} does not publish; sign in again`;
    return { code: 'token-key-unknown', detail };
  }
  if (cause instanceof errors.JWSSignatureVerificationFailed) {
    return { code: 'token-signature-invalid', detail: 'The signature of the token is not valid; sign in again' };
  }
  if (cause instanceof errors.JOSEError) {
    return { code: 'token-invalid', detail: 'The bearer token is no token of the issuer; sign in again' };
  }
  throw cause;
}

function faultOfClaim({ claim }: errors.JWTClaimValidationFailed, terms: TokenTerms): IssuerTokenFault {
  switch (claim) {
    case 'iss':
      return { code: 'token-issuer-differs', detail: `The token is of another issuer than ${terms.issuer}` };
    case 'aud': {
      const detail = `The token is meant for another audience; needed is one of ${terms.audiences.join(', ')}`;
      return { code: 'token-audience-differs', detail };
    }
    case 'nbf':
    case 'iat': {
      const detail = `The token says that it comes from the future; allowed are ${terms.clockSkewS} seconds between the clocks`;
      return { code: 'token-not-yet-valid', detail };
    }
    default:
      return { code: 'token-invalid', detail: `The token has no usable claim ${claim}; sign in again` };
  }
}

// SPDX-License-Identifier: Apache-2.0
import type { CivilMs } from '@outrider/domain/trust/credentials';
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose';

/** The key of an issuer of tokens. */
export interface TokenSigner {
  /** What the issuer publishes (RFC 7517). */
  readonly publicKeys: { readonly keys: readonly JWK[] };
  sign(
    claims: Readonly<Record<string, unknown>>,
    life: { readonly nowMs: CivilMs; readonly seconds: number },
  ): Promise<string>;
}

const ALGORITHM = 'ES256';

/** A new private key, as the text of a file. */
export async function createTokenKey(): Promise<string> {
  const { privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
  return JSON.stringify(await exportJWK(privateKey));
}

/** The key in the text of a file. Rejects what is none. */
export async function tokenSigner(text: string): Promise<TokenSigner> {
  const jwk: JWK = JSON.parse(text);
  const { d: _, ...own } = jwk;
  const kid = await calculateJwkThumbprint(own);
  const key = (await importJWK(jwk, ALGORITHM)) as CryptoKey;
  return {
    publicKeys: { keys: [{ ...own, kid, alg: ALGORITHM, use: 'sig' }] },
    sign(claims, { nowMs, seconds }) {
      const nowS = Math.floor(nowMs / 1_000);
      return new SignJWT({ ...claims })
        .setProtectedHeader({ alg: ALGORITHM, kid })
        .setIssuedAt(nowS)
        .setExpirationTime(nowS + seconds)
        .sign(key);
    },
  };
}

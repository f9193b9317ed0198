// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import type { CivilMs } from '@outrider/domain/trust/credentials';
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import { monotonicClock } from '../clock.ts';
import { discoverIssuer } from './issuer.ts';
import { createTokenKey, type TokenSigner, tokenSigner } from './signing-key.ts';
import { tokenVerifier } from './verify-token.ts';

const NOW = 1_800_000_000_000 as CivilMs;

let signer: TokenSigner = await tokenSigner(await createTokenKey());
let isAway = false;
const server = createServer((request, response) => {
  const isKeys = request.url === '/keys';
  const metadata = {
    issuer: url,
    jwks_uri: `${url}/keys`,
    authorization_endpoint: `${url}/a`,
    token_endpoint: `${url}/t`,
  };
  response.writeHead(isAway ? 503 : 200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(isKeys ? signer.publicKeys : metadata));
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
after(() => {
  server.closeAllConnections();
  server.close();
});
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const own = { issuer: url, clientId: 'outrider', clockSkewS: 30 };
const verifier = tokenVerifier(
  discoverIssuer(own, monotonicClock()),
  { issuer: url, audiences: ['outrider'], algorithms: ['ES256'], clockSkewS: 30, keysCooldownMs: 0 },
  monotonicClock(),
);

const CLAIMS = { iss: url, aud: 'outrider', sub: 'ada' };
const signed = (claims: object, nowMs: number = NOW, seconds = 600) =>
  signer.sign({ ...CLAIMS, ...claims }, { nowMs: nowMs as CivilMs, seconds });

async function codeOf(token: string, nowMs: CivilMs = NOW): Promise<string> {
  const verified = await verifier.verify(token, nowMs);
  return verified.ok ? `ok ${verified.value.sub}` : verified.error.code;
}

test('a token of the issuer is believed, and each way in which one can be wrong has a name', async () => {
  assert.equal(await codeOf(await signed({})), 'ok ada');
  assert.equal(await codeOf(await signed({ aud: ['other', 'outrider'] })), 'ok ada');
  assert.equal(await codeOf(await signed({ aud: 'other' })), 'token-audience-differs');
  assert.equal(await codeOf(await signed({ iss: 'https://other.example' })), 'token-issuer-differs');
  assert.equal(await codeOf(await signed({}, NOW - 700_000)), 'token-expired');
  assert.equal(await codeOf(await signed({}, NOW - 620_000)), 'ok ada', 'within the skew');
  assert.equal(await codeOf(await signed({}, NOW + 20_000)), 'ok ada', 'within the skew');
  assert.equal(await codeOf(await signed({}, NOW + 60_000)), 'token-not-yet-valid');
  assert.equal(await codeOf('a.b.c'), 'token-invalid');
});

test('no algorithm, a symmetric one with the public key as its secret, and a stranger’s key prove nothing', async () => {
  assert.equal(await codeOf(new UnsecuredJWT(CLAIMS).encode()), 'token-algorithm-refused');
  const secret = new TextEncoder().encode(JSON.stringify(signer.publicKeys.keys[0]));
  const symmetric = await new SignJWT(CLAIMS).setProtectedHeader({ alg: 'HS256' }).setIssuedAt().sign(secret);
  assert.equal(await codeOf(symmetric), 'token-algorithm-refused');
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  assert.ok((await exportJWK(publicKey)).x);
  const kid = String(signer.publicKeys.keys[0]?.kid);
  const header = { alg: 'ES256', kid };
  const forged = await new SignJWT(CLAIMS)
    .setProtectedHeader(header)
    .setIssuedAt(NOW / 1_000)
    .setExpirationTime(NOW / 1_000 + 60)
    .sign(privateKey);
  assert.equal(await codeOf(forged), 'token-signature-invalid');
});

test('a changed key is followed, the former one is believed no longer, and the last ones hold while the issuer is away', async () => {
  const former = await signed({});
  signer = await tokenSigner(await createTokenKey());
  assert.equal(await codeOf(await signed({})), 'ok ada');
  assert.equal(await codeOf(former), 'token-key-unknown');
  isAway = true;
  assert.equal(await codeOf(await signed({})), 'ok ada');
  isAway = false;
});

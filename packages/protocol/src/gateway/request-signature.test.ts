// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createHash, createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { permitIdOf } from '@outrider/domain/gateway/permit-id';
import { armUnitOf, isPanel, orderOf } from '@outrider/domain/policy/place';
import { preAuthenticationEncoding } from '@outrider/domain/trust/envelope';
import { DEVICE_HEADER, parseRequestIdentity, requestText, SIGNATURE_HEADER } from './request-signature.ts';

const SIGNATURES = vectors('signatures.json');
const PLACES = vectors('places.json');

describe('signatures of version 1', () => {
  for (const one of SIGNATURES.requests) {
    test(`a device signs ${one.method} ${one.path.slice(0, 16)} as the golden file says`, () => {
      assert.equal(requestText(one), one.text);
      assertSigned(one);
    });
  }

  for (const one of SIGNATURES.documents) {
    test(`a document of type ${one.payloadType} is signed as the golden file says`, () => {
      assert.equal(preAuthenticationEncoding(one.payloadType, one.payload), one.text);
      assertSigned(one);
    });
  }
});

describe('the headers of a signed request', () => {
  const headers = { [DEVICE_HEADER]: 'camera-0001', [SIGNATURE_HEADER]: SIGNATURES.requests[0]?.signature };

  test('name the device and its signature', () => {
    const parsed = parseRequestIdentity(headers);
    assert.equal(parsed.ok && parsed.value.deviceId, 'camera-0001');
  });

  test('are refused by name when one is missing or sent twice', () => {
    for (const name of [DEVICE_HEADER, SIGNATURE_HEADER]) {
      for (const value of [undefined, ['a', 'b']]) {
        const parsed = parseRequestIdentity({ ...headers, [name]: value });
        assert.equal(!parsed.ok && parsed.error.path, name);
      }
    }
  });
});

describe('places of version 1', () => {
  for (const one of PLACES.places) {
    test(`${one.deviceId} stands where the golden file says`, () => {
      assert.equal(orderOf(one.salt, one.deviceId), one.order);
      assert.equal(armUnitOf(one.salt, one.deviceId), one.arm);
      assert.equal(isPanel(one.salt, one.deviceId), one.isPanel);
    });
  }

  test('permits are named as the golden file says', () => {
    for (const { permitId, ...row } of PLACES.permitIds) assert.equal(permitIdOf(row), permitId);
  });
});

/** Checked by node:crypto from the raw key, as a foreign implementation would: no code of ours stands between. */
function assertSigned(one: ReturnType<typeof vectors>['requests'][number]): void {
  const raw = Buffer.from(one.key.publicKey, 'base64');
  assert.equal(createHash('sha256').update(raw).digest('hex'), one.key.keyId);
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') }, format: 'jwk' });
  const signature = Buffer.from(one.signature, 'base64');
  assert.equal(verify(null, Buffer.from(one.text, 'utf8'), key, signature), true);
  assert.equal(verify(null, Buffer.from(`${one.text} `, 'utf8'), key, signature), false);
}

/** Golden files are ours: their shape is taken as it stands. */
function vectors(name: string) {
  return JSON.parse(readFileSync(new URL(`../../vectors/v1/${name}`, import.meta.url), 'utf8'));
}

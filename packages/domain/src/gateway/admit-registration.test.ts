// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DeviceId, KeyId, Sha256 } from '../kernel/ids.ts';
import { fleetInstant } from '../kernel/time.ts';
import { type Admission, admitRegistration, type RegistrationStanding } from './admit-registration.ts';
import type { DeviceRecord } from './device-record.ts';
import type { RegistrationToken } from './registration-token.ts';

// The constructors of brands, for tests.
const deviceId = 'camera-1' as DeviceId;
const keyOf = (letter: string) => ({ keyId: letter.repeat(64) as KeyId, publicKey: letter });
const running = { version: '1.0.0', releaseCounter: 1, components: [] } as unknown as DeviceRecord['status']['running'];
const attributes = {
  ...{ deviceType: 'camera', model: 'm', hardwareId: 'rev-a', region: 'eu', customer: 'c', carrier: 'w', tags: [] },
};
const now = fleetInstant(1_000);
const record: DeviceRecord = {
  ...{ deviceId, publicKey: keyOf('a'), attributes, registeredAt: now },
  status: { sequence: 0, lastContactAt: now, running, state: 'idle' },
};
const digest = 'd'.repeat(64) as Sha256;
const token: RegistrationToken = {
  ...{ digest, usesMax: 1, uses: 0, createdAt: fleetInstant(0), createdBy: 'ada', expiresAt: fleetInstant(2_000) },
};
const byToken: Admission = { kind: 'token', digest };

function codeOf(standing: RegistrationStanding, admission: Admission = byToken, isRevoked = (_: KeyId) => false) {
  const admitted = admitRegistration({ record, admission }, standing, { now, isRevoked });
  return admitted.ok ? admitted.value.kind : admitted.error.code;
}

describe('a registration is admitted or refused by name', () => {
  test('by a token: once, in time, for the device that it names', () => {
    assert.equal(codeOf({ token }), 'new');
    assert.equal(codeOf({}), 'registration-token-invalid');
    assert.equal(codeOf({ token: { ...token, uses: 1 } }), 'registration-token-used');
    assert.equal(codeOf({ token: { ...token, expiresAt: now } }), 'registration-token-expired');
    assert.equal(codeOf({ token: { ...token, deviceId: 'camera-2' as DeviceId } }), 'registration-token-for-another');
    assert.equal(codeOf({ token: { ...token, deviceId } }), 'new');
  });

  test('again with the same key: the answer that was lost, even when the token is used up or has run out', () => {
    const known = { ...record, registeredAt: fleetInstant(1) };
    assert.equal(codeOf({ known, token: { ...token, uses: 1 } }), 'known');
    assert.equal(codeOf({ known, token: { ...token, expiresAt: now } }), 'known');
    assert.equal(codeOf({ known }), 'registration-token-invalid');
  });

  test('with a stolen token and a key of the thief: never under the id of a device that exists', () => {
    const known = { ...record, publicKey: keyOf('b') };
    assert.equal(codeOf({ known, token }), 'device-key-differs');
    assert.equal(codeOf({ known, token: { ...token, deviceId } }), 'device-key-differs');
    const isOldKeyRevoked = (keyId: KeyId) => keyId === keyOf('b').keyId;
    assert.equal(codeOf({ known, token }, byToken, isOldKeyRevoked), 'device-key-differs', 'a token for anyone');
    assert.equal(codeOf({ known, token: { ...token, deviceId } }, byToken, isOldKeyRevoked), 'new-key');
    const used = { ...token, deviceId, uses: 1 };
    assert.equal(codeOf({ known, token: used }, byToken, isOldKeyRevoked), 'registration-token-used');
    for (const kind of ['fleet-token', 'factory'] as const) {
      assert.equal(
        codeOf({ known }, { kind }, isOldKeyRevoked),
        'device-key-differs',
        'a new key takes a token of its own',
      );
    }
  });

  test('a key of another device, and a revoked one, are refused whatever the right', () => {
    const keyHeldBy = 'camera-2' as DeviceId;
    for (const admission of [byToken, { kind: 'fleet-token' }, { kind: 'factory' }] as const) {
      assert.equal(codeOf({ token, keyHeldBy }, admission), 'key-already-registered');
      assert.equal(
        codeOf({ token, known: record }, admission, () => true),
        'device-revoked',
      );
    }
  });
});

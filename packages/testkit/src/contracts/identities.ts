// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Admission } from '@outrider/domain/gateway/admit-registration';
import type { CertificateSerial } from '@outrider/domain/gateway/device-authentication';
import type { IssuedCertificate } from '@outrider/domain/gateway/identity-ports';
import type { RegistrationToken } from '@outrider/domain/gateway/registration-token';
import type { AuditNote } from '@outrider/domain/trust/audit';
import { at, device, deviceIdOf, digestOf, publicKeyOf } from './store-fixtures.ts';
import { type OpenStore, useStore } from './use-store.ts';

const NOTE: AuditNote = { at: at(0), actor: 'ada', action: 'token-issued', subject: 'token-1' };
const TOKEN: RegistrationToken = {
  ...{ digest: digestOf('token'), usesMax: 2, uses: 0, createdAt: at(0), createdBy: 'ada', expiresAt: at(60) },
};
const BY_TOKEN: Admission = { kind: 'token', digest: TOKEN.digest };

/** What every store of identities must do: tokens that are used up, keys that belong to one device, certificates on record. */
export function identitiesContract(adapter: string, open: OpenStore): void {
  describe(`identities: ${adapter}`, () => {
    test('a token for two devices admits two, in one batch or in several, and a third is refused by name', () =>
      useStore(open, async ({ registry, identities }) => {
        await identities.storeToken(TOKEN, NOTE);
        const world = { now: at(1), admissions: [BY_TOKEN, BY_TOKEN, BY_TOKEN], isRevoked: () => false };
        assert.deepEqual(codes(await registry.register([device(1)], world)), ['ok']);
        assert.deepEqual(codes(await registry.register([device(1), device(2), device(3)], world)), [
          'ok',
          'ok',
          'registration-token-used',
        ]);
        assert.deepEqual(await identities.listTokens(10), [{ ...TOKEN, uses: 2 }]);
        assert.equal((await registry.loadDevices([deviceIdOf(3)])).length, 0);
      }));

    test('of many devices with one token at once exactly as many are registered as it is for', () =>
      useStore(open, async ({ registry, identities }) => {
        await identities.storeToken(TOKEN, NOTE);
        const world = { now: at(1), admissions: [BY_TOKEN], isRevoked: () => false };
        const answers = await Promise.all(
          Array.from({ length: 8 }, (_, number) => registry.register([device(number)], world)),
        );
        assert.equal(answers.filter(([one]) => one?.ok === true).length, TOKEN.usesMax);
      }));

    test('a key belongs to one device, whatever right another one shows', () =>
      useStore(open, async ({ registry }) => {
        await registry.register([device(1)]);
        const clone = { ...device(2), publicKey: device(1).publicKey };
        assert.deepEqual(codes(await registry.register([clone])), ['key-already-registered']);
        const twins = [device(3), { ...device(4), publicKey: device(3).publicKey }];
        assert.deepEqual(codes(await registry.register(twins)), ['ok', 'key-already-registered']);
      }));

    test('a device whose key was revoked comes back with a new one, by a token for it alone', () =>
      useStore(open, async ({ registry, identities }) => {
        await registry.register([device(1)]);
        const renewed = { ...device(1), publicKey: publicKeyOf('a new key') };
        const own = { ...TOKEN, deviceId: deviceIdOf(1), usesMax: 1 };
        await identities.storeToken(own, NOTE);
        const isRevoked = (keyId: string) => keyId === device(1).publicKey.keyId;
        const world = { now: at(1), admissions: [BY_TOKEN], isRevoked };
        assert.deepEqual(codes(await registry.register([renewed], { ...world, isRevoked: () => false })), [
          'device-key-differs',
        ]);
        assert.deepEqual(codes(await registry.register([renewed], world)), ['ok']);
        const [known] = await registry.loadDevices([deviceIdOf(1)]);
        assert.deepEqual(known?.record.publicKey, renewed.publicKey);
        assert.deepEqual(codes(await registry.register([device(1)], world)), ['device-revoked']);
      }));

    test('certificates are on record, the newest first', () =>
      useStore(open, async ({ identities }) => {
        const [older, newer] = [certificate('a1', 0), certificate('b2', 100)];
        await identities.storeCertificates([older]);
        await identities.storeCertificates([newer, { ...certificate('c3', 50), deviceId: deviceIdOf(2) }]);
        assert.deepEqual(await identities.loadCertificates(deviceIdOf(1), 10), [newer, older]);
        assert.deepEqual(await identities.loadCertificates(deviceIdOf(1), 1), [newer]);
      }));
  });
}

function certificate(serial: string, minute: number): IssuedCertificate {
  return {
    serial: serial as CertificateSerial,
    deviceId: deviceIdOf(1),
    keyId: device(1).publicKey.keyId,
    notBefore: at(minute),
    notAfter: at(minute + 1_000),
  };
}

function codes(
  answers: readonly ({ readonly ok: true } | { readonly ok: false; readonly error: { readonly code: string } })[],
): readonly string[] {
  return answers.map((one) => (one.ok ? 'ok' : one.error.code));
}

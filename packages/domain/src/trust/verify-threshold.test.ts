// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { digestOf } from '@outrider/testkit/small-fleet';
import type { KeyId } from '../kernel/ids.ts';
import { type Envelope, type PublicKey, preAuthenticationEncoding } from './envelope.ts';
import type { SignatureVerifier } from './ports.ts';
import type { RoleKey, SigningRole } from './role.ts';
import { verifyThreshold } from './verify-threshold.ts';

const BUILD = keyOf('a');
const BUILD_NEXT = keyOf('b');
const RELEASE = keyOf('c');
const STRANGER = keyOf('d');

const ROLE: SigningRole = {
  threshold: 2,
  groups: [
    { name: 'build', keys: [BUILD, BUILD_NEXT] },
    { name: 'release-engineering', keys: [RELEASE] },
  ],
};

/** A signature here is the key and the message in clear: what counts is who signed what, not how. */
const verifier: SignatureVerifier = {
  verify: (key, message, signature) => signature === signatureOf(key, message),
};

describe('a release is trusted', () => {
  test('when both groups have signed it', () => {
    assert.deepEqual(verify(signedBy(BUILD, RELEASE)), { ok: true, value: 'verified' });
    assert.ok(verify(signedBy(RELEASE, BUILD_NEXT)).ok, 'by any key of a group, in any order');
  });

  test('when unknown keys have signed it too', () => {
    assert.ok(verify(signedBy(STRANGER, BUILD, RELEASE)).ok);
  });

  test('when a broken signature of a key stands before its good one', () => {
    const broken = { keyId: BUILD.keyId, signature: 'broken' };
    const good = signedBy(BUILD, RELEASE);
    assert.ok(verify({ ...good, signatures: [broken, ...good.signatures] }).ok);
  });
});

describe('a release is not trusted', () => {
  const refused: readonly (readonly [claim: string, envelope: Envelope])[] = [
    ['when nobody has signed it', signedBy()],
    ['when only the build system has signed it', signedBy(BUILD)],
    ['when one key has signed it twice (duplicate signatures)', signedBy(BUILD, BUILD)],
    ['when two keys of one group have signed it', signedBy(BUILD, BUILD_NEXT)],
    ['when a stranger makes up the number', signedBy(BUILD, STRANGER)],
    ['when its payload was altered after signing', { ...signedBy(BUILD, RELEASE), payload: '{"altered":1}' }],
    ['when it is passed off as another kind of document', { ...signedBy(BUILD, RELEASE), payloadType: 'other' }],
  ];
  for (const [claim, envelope] of refused) {
    test(claim, () => {
      const result = verify(envelope);
      assert.equal(!result.ok && result.error.code, 'threshold-not-met');
    });
  }

  test('and the error names who has signed and whose signature is invalid', () => {
    const broken = { keyId: RELEASE.keyId, signature: 'broken' };
    const result = verify({ ...signedBy(BUILD), signatures: [...signedBy(BUILD).signatures, broken] });
    assert.deepEqual(!result.ok && result.error, {
      code: 'threshold-not-met',
      threshold: 2,
      groupsSigned: ['build'],
      keysInvalid: [RELEASE.keyId],
    });
  });
});

describe('a role decides nothing', () => {
  const roles: readonly (readonly [claim: string, role: SigningRole])[] = [
    ['when its threshold is zero', { ...ROLE, threshold: 0 }],
    ['when its threshold is above the number of groups', { ...ROLE, threshold: 3 }],
    ['when one key stands in two groups', roleOf([BUILD], [BUILD])],
    ['when one key stands in two groups under two ids', roleOf([BUILD], [{ ...BUILD, keyId: RELEASE.keyId }])],
    [
      'when one person has keys in two groups',
      roleOf([{ ...BUILD, person: digestOf('1') }], [{ ...RELEASE, person: digestOf('1') }]),
    ],
    ['when two groups have one name', { ...ROLE, groups: ROLE.groups.map((group) => ({ ...group, name: 'build' })) }],
  ];
  for (const [claim, role] of roles) {
    test(claim, () => {
      const result = verifyThreshold(signedBy(BUILD, RELEASE), role, verifier);
      assert.equal(!result.ok && result.error.code, 'role-invalid');
    });
  }
});

function verify(envelope: Envelope) {
  return verifyThreshold(envelope, ROLE, verifier);
}

function signedBy(...keys: readonly PublicKey[]): Envelope {
  const payloadType = 'application/vnd.outrider.test';
  const payload = '{"a":1}';
  const message = preAuthenticationEncoding(payloadType, payload);
  return {
    payloadType,
    payload,
    signatures: keys.map((key) => ({ keyId: key.keyId, signature: signatureOf(key, message) })),
  };
}

function signatureOf(key: PublicKey, message: string): string {
  return `${key.publicKey} over ${message}`;
}

function roleOf(build: readonly RoleKey[], release: readonly RoleKey[]): SigningRole {
  return {
    threshold: 2,
    groups: [
      { name: 'build', keys: build },
      { name: 'release-engineering', keys: release },
    ],
  };
}

function keyOf(digit: string): PublicKey {
  // A key id is the digest of the key.
  return { keyId: digestOf(digit) as string as KeyId, publicKey: `public ${digit}` };
}

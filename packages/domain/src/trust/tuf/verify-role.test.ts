// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MetadataKey, RoleKeys, SignedMetadata } from './metadata.ts';
import type { MetadataVerifier } from './ports.ts';
import { verifyRole } from './verify-role.ts';

/** A signature is right when it repeats the key: what is tested is the counting. */
const verifier: MetadataVerifier = { verify: (key, _, signature) => signature === key.publicKey };
const keyOf = (publicKey: string): MetadataKey => ({ keyType: 'ed25519', scheme: 'ed25519', publicKey });
const keys = new Map([
  ['build-1', keyOf('aa')],
  ['build-2', keyOf('bb')],
  ['releng', keyOf('cc')],
  ['releng-again', keyOf('cc')],
]);
const role: RoleKeys = {
  keyIds: ['build-1', 'build-2', 'releng', 'releng-again'],
  threshold: 2,
  groups: new Map([
    ['build', ['build-1', 'build-2']],
    ['release-engineering', ['releng', 'releng-again']],
  ]),
};

test('two keys of one group are one voice: a stolen build system alone releases nothing', () => {
  assert.equal(
    isSigned(
      [
        ['build-1', 'aa'],
        ['build-2', 'bb'],
      ],
      role,
    ),
    false,
  );
  assert.equal(
    isSigned(
      [
        ['build-1', 'aa'],
        ['releng', 'cc'],
      ],
      role,
    ),
    true,
  );
});

test('one public key under two ids counts once, though each id signed', () => {
  const { groups: _, ...ungrouped } = role;
  assert.equal(
    isSigned(
      [
        ['releng', 'cc'],
        ['releng-again', 'cc'],
      ],
      ungrouped,
    ),
    false,
  );
  assert.equal(
    isSigned(
      [
        ['releng', 'cc'],
        ['build-1', 'aa'],
      ],
      ungrouped,
    ),
    true,
  );
});

test('a signature that is wrong, or by a key of another role, counts nothing', () => {
  assert.equal(
    isSigned(
      [
        ['build-1', 'aa'],
        ['releng', 'bb'],
      ],
      role,
    ),
    false,
  );
  assert.equal(
    isSigned(
      [
        ['build-1', 'aa'],
        ['releng', 'cc'],
      ],
      { ...role, keyIds: ['build-1'] },
    ),
    false,
  );
});

test('a document that was found signed for one role is looked at anew for another role, other keys or another verifier', () => {
  const document = documentBy([
    ['build-1', 'aa'],
    ['releng', 'cc'],
  ]);
  const by = { name: 'camera', role, keys, verifier };
  assert.equal(verifyRole(document, by).ok, true);
  assert.equal(verifyRole(document, { ...by, role: { ...role, threshold: 3 } }).ok, false);
  assert.equal(verifyRole(document, { ...by, keys: new Map([['build-1', keyOf('dd')]]) }).ok, false);
  assert.equal(verifyRole(document, { ...by, verifier: { verify: () => false } }).ok, false);
  assert.equal(verifyRole(document, by).ok, true);
});

test('a document that is verified again costs no signature, and one that was refused is never taken as verified', () => {
  let looks = 0;
  const counting: MetadataVerifier = { verify: (...given) => ++looks > 0 && verifier.verify(...given) };
  const by = { name: 'camera', role, keys, verifier: counting };
  const [good, bad] = [
    documentBy([
      ['build-1', 'aa'],
      ['releng', 'cc'],
    ]),
    documentBy([['build-1', 'aa']]),
  ];
  for (const expected of [2, 2]) {
    assert.equal(verifyRole(good, by).ok, true);
    assert.equal(looks, expected);
  }
  for (const expected of [3, 4]) {
    assert.equal(verifyRole(bad, by).ok, false);
    assert.equal(looks, expected);
  }
});

test('a refusal names who has signed and how many are needed', () => {
  const result = verifyRole(documentBy([['build-1', 'aa']]), { name: 'camera', role, keys, verifier });
  assert.deepEqual(result, {
    ok: false,
    error: {
      code: 'metadata-unsigned',
      detail: 'camera is validly signed by 1 different groups (build), needed are 2',
    },
  });
});

function isSigned(signatures: readonly (readonly [string, string])[], by: RoleKeys): boolean {
  return verifyRole(documentBy(signatures), { name: 'camera', role: by, keys, verifier }).ok;
}

function documentBy(signatures: readonly (readonly [string, string])[]): SignedMetadata<unknown> {
  const list = signatures.map(([keyId, signature]) => ({ keyId, signature }));
  return { signed: {}, message: '{}', signatures: list };
}

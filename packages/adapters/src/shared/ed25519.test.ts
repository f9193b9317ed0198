// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSigner, createVerifier, publicKeyOf, signerFromSeed } from './ed25519.ts';

test('the first vector of RFC 8032 signs to the published signature', () => {
  const seed = Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex');
  const signer = signerFromSeed(seed);
  const raw = Buffer.from('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a', 'hex');
  assert.deepEqual(signer.publicKey, publicKeyOf(raw));
  assert.equal(
    Buffer.from(signer.sign('').signature, 'base64').toString('hex'),
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  );
});

test('a signature holds for its key and its text, and for no other', () => {
  const verifier = createVerifier();
  const signer = createSigner();
  const { signature } = signer.sign('permit for camera-7');
  assert.equal(verifier.verify(signer.publicKey, 'permit for camera-7', signature), true);
  assert.equal(verifier.verify(signer.publicKey, 'permit for camera-8', signature), false);
  assert.equal(verifier.verify(createSigner().publicKey, 'permit for camera-7', signature), false);
});

test('a malformed key or signature is refused, not thrown', () => {
  const verifier = createVerifier();
  const signer = createSigner();
  const { signature } = signer.sign('x');
  const { keyId } = signer.publicKey;
  for (const wrong of ['', 'AAAA', '%%%', `${signature}AAAA`, signature.replace(/=+$/, ''), `${signature}\n`]) {
    assert.equal(verifier.verify(signer.publicKey, 'x', wrong), false, JSON.stringify(wrong));
  }
  for (const wrong of ['', 'AAAA', '%%%', Buffer.alloc(32, 0xff).toString('base64')]) {
    assert.equal(verifier.verify({ keyId, publicKey: wrong }, 'x', signature), false, wrong);
  }
});

// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSigner, createVerifier } from '@outrider/adapters/shared/ed25519';
import { rememberedVerifier } from './remembered-verifier.ts';

test('a signature that was verified once is not believed for another text or another key', () => {
  let asked = 0;
  const real = createVerifier();
  const verifier = rememberedVerifier({
    verify(key, message, signature) {
      asked++;
      return real.verify(key, message, signature);
    },
  });
  const signer = createSigner();
  const { signature } = signer.sign('a release');
  assert.ok(verifier.verify(signer.publicKey, 'a release', signature));
  assert.ok(verifier.verify(signer.publicKey, 'a release', signature));
  assert.equal(asked, 1);
  assert.ok(!verifier.verify(signer.publicKey, 'another release', signature));
  assert.ok(!verifier.verify(createSigner().publicKey, 'a release', signature));
  assert.equal(asked, 3);
});

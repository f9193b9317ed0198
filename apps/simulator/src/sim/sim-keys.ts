// SPDX-License-Identifier: Apache-2.0
import { digestText } from '@outrider/adapters/shared/digest';
import { createVerifier, signerFromSeed } from '@outrider/adapters/shared/ed25519';
import type { SignatureVerifier, Signer } from '@outrider/domain/trust/ports';
import { quickKeys } from './quick-signer.ts';

/** All keys of a simulation, made from its seed. Whoever knows the seed knows the keys. */
export interface SimKeys {
  signerOf(name: string): Signer;
  readonly verifier: SignatureVerifier;
}

/** `real`: Ed25519 as in production. `quick`: as good within one process, and a hundred times faster. */
export type SignatureKind = 'quick' | 'real';

export function simKeys(seed: string, kind: SignatureKind): SimKeys {
  const secretOf = (name: string) => Buffer.from(digestText(`${seed}/key/${name}`), 'hex');
  if (kind === 'real') return { signerOf: (name) => signerFromSeed(secretOf(name)), verifier: createVerifier() };
  const { signerOf, verifier } = quickKeys();
  return { signerOf: (name) => signerOf(secretOf(name)), verifier };
}

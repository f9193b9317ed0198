// SPDX-License-Identifier: Apache-2.0
import { type Envelope, preAuthenticationEncoding } from '@outrider/domain/trust/envelope';
import { openKeys } from '../open-key.ts';
import type { PassphraseFlags } from '../passphrase.ts';
import type { World } from '../world.ts';

/** The envelope with a signature by each of these secret key files added; one that a key made before is replaced. */
export async function signedBy(
  world: World,
  envelope: Envelope,
  paths: readonly string[],
  flags: PassphraseFlags = {},
): Promise<Envelope> {
  const message = preAuthenticationEncoding(envelope.payloadType, envelope.payload);
  let signed = envelope;
  for (const { signer } of await openKeys(world, paths, flags)) {
    const signature = await signer.sign(message);
    const others = signed.signatures.filter((one) => one.keyId !== signature.keyId);
    signed = { ...signed, signatures: [...others, signature] };
  }
  return signed;
}

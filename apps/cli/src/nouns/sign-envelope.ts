// SPDX-License-Identifier: Apache-2.0
import { type Envelope, preAuthenticationEncoding } from '@outrider/domain/trust/envelope';
import { describeParseError } from '@outrider/protocol/kernel/parse-error';
import { parseKeyFile } from '@outrider/protocol/trust/key-file';
import { usageFailure } from '../failure.ts';
import { readDocument } from '../files.ts';
import { signerOf } from '../key-files.ts';
import type { World } from '../world.ts';

/** The envelope with a signature by each of these secret key files added; one that a key made before is replaced. */
export async function signedBy(world: World, envelope: Envelope, paths: readonly string[]): Promise<Envelope> {
  const message = preAuthenticationEncoding(envelope.payloadType, envelope.payload);
  let signed = envelope;
  for (const path of paths) {
    const file = await readDocument(world, { noun: 'key file', path }, parseKeyFile);
    const signer = signerOf(file);
    if (!signer.ok) throw usageFailure(`The key file in ${path} cannot be used: ${describeParseError(signer.error)}`);
    const signature = signer.value.sign(message);
    const others = signed.signatures.filter((one) => one.keyId !== signature.keyId);
    signed = { ...signed, signatures: [...others, signature] };
  }
  return signed;
}

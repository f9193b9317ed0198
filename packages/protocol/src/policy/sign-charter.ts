// SPDX-License-Identifier: Apache-2.0
import {
  CHARTER_TYPE,
  type CharterDocument,
  type SignedCharter,
  THRESHOLD_TENTH,
  WAVE_OPENING_TYPE,
} from '@outrider/domain/policy/charter';
import { largestThreshold } from '@outrider/domain/policy/charter-place';
import { type Envelope, preAuthenticationEncoding } from '@outrider/domain/trust/envelope';
import type { DigestText, Signer } from '@outrider/domain/trust/ports';
import { encodeCharter, encodeWaveOpening } from './charter.ts';

/** A charter that nobody has signed yet, and of which no wave is opened. */
export function unsignedCharter(document: CharterDocument): SignedCharter {
  return { document: { payloadType: CHARTER_TYPE, payload: encodeCharter(document), signatures: [] }, openings: [] };
}

/** The waves, by index, that need a signature of their own. */
export function wavesToOpen(document: CharterDocument): readonly number[] {
  return [...document.waves.keys()].filter((index) => {
    const wave = document.waves[index];
    return wave !== undefined && largestThreshold(wave) > THRESHOLD_TENTH;
  });
}

/**
 * The charter with a signature of this signer added to its document, and to the openings of these waves; a signature that the
 * same key made before is replaced.
 */
export function withCharterSignature(
  signed: SignedCharter,
  by: { readonly document: CharterDocument; readonly waves: readonly number[]; readonly digestText: DigestText },
  signer: Signer,
): SignedCharter {
  const charterSha256 = by.digestText(signed.document.payload);
  let { openings } = signed;
  for (const waveIndex of by.waves) {
    const wave = by.document.waves[waveIndex];
    if (wave === undefined) continue;
    const payload = encodeWaveOpening({ schema: 1, charterSha256, waveIndex, threshold: largestThreshold(wave) });
    const begun = openings.find((one) => one.payload === payload);
    const opening = begun ?? { payloadType: WAVE_OPENING_TYPE, payload, signatures: [] };
    openings = [...openings.filter((one) => one !== begun), withSignature(opening, signer)];
  }
  return { document: withSignature(signed.document, signer), openings };
}

/** The envelope with a signature of this signer; one that the same key made before is replaced. */
export function withSignature(envelope: Envelope, signer: Signer): Envelope {
  const signature = signer.sign(preAuthenticationEncoding(envelope.payloadType, envelope.payload));
  const others = envelope.signatures.filter((one) => one.keyId !== signature.keyId);
  return { ...envelope, signatures: [...others, signature] };
}

/** A charter that all of these have signed, with these waves opened, or else every wave that needs it. */
export function charterSignedBy(
  document: CharterDocument,
  signers: readonly Signer[],
  {
    digestText,
    waves = wavesToOpen(document),
  }: { readonly digestText: DigestText; readonly waves?: readonly number[] },
): SignedCharter {
  const by = { document, waves, digestText };
  return signers.reduce((signed, signer) => withCharterSignature(signed, by, signer), unsignedCharter(document));
}

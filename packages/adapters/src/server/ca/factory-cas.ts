// SPDX-License-Identifier: Apache-2.0
import { verify, X509Certificate } from 'node:crypto';
import {
  type FactoryCas,
  type FactoryProof,
  type FactoryRefusalCode,
  factoryProofText,
} from '@outrider/domain/gateway/identity-ports';
import type { FleetClock } from '@outrider/domain/kernel/clock';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import { readWhole } from '../../shared/x509/der-read.ts';
import { commonNameIn, subjectIn } from '../../shared/x509/distinguished-name.ts';

type Refusal = Result<never, { readonly code: FactoryRefusalCode }>;

/** Factories whose CAs are pinned; chains and dates are checked here, whatever the TLS connection was. */
export function openFactoryCas(pinned: readonly X509Certificate[], clock: FleetClock): FactoryCas {
  return {
    verify(proof, device) {
      const chain = chainOf(proof);
      const [leaf] = chain;
      if (leaf === undefined) return refusal('factory-unknown-ca');
      const onTheWay = wayToPinned(chain, pinned);
      if (onTheWay === undefined) return refusal('factory-unknown-ca');
      const now = clock.now();
      const isInDate = (one: X509Certificate) => one.validFromDate.getTime() <= now && now < one.validToDate.getTime();
      if (!onTheWay.every(isInDate)) return refusal('factory-certificate-expired');
      const subject = readWhole(subjectIn(leaf.raw));
      if (subject === undefined || commonNameIn(subject) !== device.deviceId) {
        return refusal('factory-certificate-for-another');
      }
      return isSignedBy(leaf, factoryProofText(device), proof.signature)
        ? ok('proved')
        : refusal('factory-proof-invalid');
    },
  };
}

/** Empty when one of them is no certificate. */
function chainOf({ certificates }: FactoryProof): readonly X509Certificate[] {
  try {
    return certificates.map((one) => new X509Certificate(Buffer.from(one, 'base64')));
  } catch (cause) {
    // What OpenSSL cannot read is no certificate: whoever sent it proves nothing.
    if (cause instanceof Error) return [];
    throw cause;
  }
}

/** From the leaf to a pinned CA, each signed by the next; undefined when there is no such way. */
function wayToPinned(
  chain: readonly X509Certificate[],
  pinned: readonly X509Certificate[],
): readonly X509Certificate[] | undefined {
  const way: X509Certificate[] = [];
  for (const [index, one] of chain.entries()) {
    way.push(one);
    // A leaf must not sign others: only what says of itself that it is a CA may stand above another.
    if (index > 0 && !one.ca) return undefined;
    const root = pinned.find((ca) => ca.ca && isIssued(one, ca));
    if (root !== undefined) return [...way, root];
    const next = chain[index + 1];
    if (next === undefined || !isIssued(one, next)) return undefined;
  }
  return undefined;
}

function isIssued(one: X509Certificate, by: X509Certificate): boolean {
  return one.checkIssued(by) && one.verify(by.publicKey);
}

/** ECDSA and RSA over SHA-256, Ed25519 as it is. */
function isSignedBy({ publicKey }: X509Certificate, text: string, signature: string): boolean {
  const hash = publicKey.asymmetricKeyType === 'ed25519' ? null : 'sha256';
  try {
    return verify(hash, Buffer.from(text, 'utf8'), publicKey, Buffer.from(signature, 'base64'));
  } catch (cause) {
    // A key of a kind that signs nothing.
    if (cause instanceof Error) return false;
    throw cause;
  }
}

function refusal(code: FactoryRefusalCode): Refusal {
  return err({ code });
}

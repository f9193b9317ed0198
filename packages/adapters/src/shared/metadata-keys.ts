// SPDX-License-Identifier: Apache-2.0
import { createPublicKey, hash, type KeyObject, verify } from 'node:crypto';
import type { KeyId, Sha256 } from '@outrider/domain/kernel/ids';
import type { PublicKey } from '@outrider/domain/trust/envelope';
import type { PatientSigner, SignatureVerifier, Signer } from '@outrider/domain/trust/ports';
import type { RoleKey, SigningRole } from '@outrider/domain/trust/role';
import type { MetadataKey, RootMetadata } from '@outrider/domain/trust/tuf/metadata';
import type { MetadataDigest, MetadataSigner, MetadataVerifier } from '@outrider/domain/trust/tuf/ports';

/** Parsed keys kept: those of both repositories and of the suppliers. */
const CACHED_KEYS_MAX = 1_000;

/** Checks Ed25519 and ECDSA P-256 signatures of metadata. A malformed key or signature is false, never an exception. */
export function createMetadataVerifier(): MetadataVerifier {
  const cache = new Map<string, KeyObject | undefined>();
  return {
    verify(key, message, signature) {
      const scheme = SCHEMES[key.scheme];
      if (scheme === undefined || !HEX.test(signature)) return false;
      const name = `${key.scheme} ${key.publicKey}`;
      if (!cache.has(name)) {
        if (cache.size >= CACHED_KEYS_MAX) cache.clear();
        cache.set(name, keyObject(key, scheme.type));
      }
      const parsed = cache.get(name);
      if (parsed === undefined) return false;
      try {
        return verify(scheme.digest, Buffer.from(message, 'utf8'), parsed, Buffer.from(signature, 'hex'));
      } catch {
        // A signature whose bytes are no DER at all.
        return false;
      }
    },
  };
}

/** Digests by the names that TUF gives them. */
export const metadataDigest: MetadataDigest = (algorithm, text) =>
  algorithm === 'sha256' || algorithm === 'sha512' ? hash(algorithm, text, 'hex') : undefined;

/** A key of ours, with the same id, as metadata names it. */
export function metadataKey(publicKey: { readonly publicKey: string; readonly scheme?: string }): MetadataKey {
  if (publicKey.scheme !== undefined) {
    const info = createPublicKey({ key: Buffer.from(publicKey.publicKey, 'base64'), format: 'der', type: 'spki' });
    // Node writes SubjectPublicKeyInfo as text in this format.
    const pem = info.export({ format: 'pem', type: 'spki' }) as string;
    return { keyType: 'ecdsa', scheme: publicKey.scheme, publicKey: pem };
  }
  return {
    keyType: 'ed25519',
    scheme: 'ed25519',
    publicKey: Buffer.from(publicKey.publicKey, 'base64').toString('hex'),
  };
}

/** A key of metadata as envelopes name it; undefined where it is of another kind than Ed25519. A key of ours has one id in both. */
export function envelopeKey(keyId: string, key: MetadataKey | undefined): PublicKey | undefined {
  if (key?.scheme !== 'ed25519') return undefined;
  return { keyId: keyId as KeyId, publicKey: Buffer.from(key.publicKey, 'hex').toString('base64') };
}

/** Who approves rollouts by a root of the director; undefined where it says nothing of it. */
export function approverRoleOf({ approvers, keys }: RootMetadata): SigningRole | undefined {
  if (approvers === undefined) return undefined;
  const { threshold, people } = approvers;
  const groups = approvers.groups ?? new Map(approvers.keyIds.map((keyId) => [keyId, [keyId]]));
  return {
    threshold,
    groups: [...groups].map(([name, keyIds]) => ({
      name,
      keys: keyIds.flatMap((keyId): readonly RoleKey[] => {
        const key = approvers.keyIds.includes(keyId) ? envelopeKey(keyId, keys.get(keyId)) : undefined;
        const person = people?.get(keyId);
        // Read as 64 hexadecimal digits.
        return key === undefined ? [] : [{ ...key, ...(person && { person: person as Sha256 }) }];
      }),
    })),
  };
}

/** Checks metadata as envelopes are checked: for keys that are no Ed25519 of the platform, as those of a simulation. */
export function metadataVerifierOf(verifier: SignatureVerifier): MetadataVerifier {
  const base64 = (hex: string) => Buffer.from(hex, 'hex').toString('base64');
  return {
    verify: (key, message, signature) =>
      // Found by its bytes: the id plays no part in checking.
      verifier.verify({ keyId: '' as KeyId, publicKey: base64(key.publicKey) }, message, base64(signature)),
  };
}

/** A signer as one of metadata. */
export function metadataSigner(signer: Signer | PatientSigner): MetadataSigner {
  return {
    keyId: signer.publicKey.keyId,
    key: metadataKey({ ...signer.publicKey, ...('scheme' in signer && { scheme: signer.scheme }) }),
    sign: async (message) => Buffer.from((await signer.sign(message)).signature, 'base64').toString('hex'),
  };
}

const HEX = /^(?:[0-9a-f]{2})+$/;

const SCHEMES: Readonly<Record<string, { readonly type: string; readonly digest: string | null }>> = {
  ed25519: { type: 'ed25519', digest: null },
  'ecdsa-sha2-nistp256': { type: 'ec', digest: 'sha256' },
};

/** DER of an Ed25519 public key up to its 32 bytes (RFC 8410 §4). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

function keyObject(key: MetadataKey, type: string): KeyObject | undefined {
  try {
    const raw = Buffer.from(key.publicKey, 'hex');
    if (type === 'ed25519' && raw.byteLength !== 32) return undefined;
    const parsed =
      type === 'ed25519'
        ? createPublicKey({ key: Buffer.concat([SPKI_PREFIX, raw]), format: 'der', type: 'spki' })
        : createPublicKey(key.publicKey);
    const isRight = parsed.asymmetricKeyType === type && (type !== 'ec' || isP256(parsed));
    return isRight ? parsed : undefined;
  } catch {
    // node:crypto refuses what is no key: such a key has signed nothing.
    return undefined;
  }
}

function isP256(key: KeyObject): boolean {
  return key.asymmetricKeyDetails?.namedCurve === 'prime256v1';
}

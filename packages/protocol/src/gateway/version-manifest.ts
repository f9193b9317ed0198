// SPDX-License-Identifier: Apache-2.0

import { CLAIM_FAULTS, type ClaimFaultCode } from '@outrider/domain/gateway/claim-faults';
import type { EnrolledTpm, PcrValue } from '@outrider/domain/gateway/tpm-quote';
import {
  type DisbelievedClaim,
  type KeptManifest,
  type KeptManifests,
  type ManifestImage,
  VERSION_MANIFEST_TYPE,
  type VersionManifest,
} from '@outrider/domain/gateway/version-manifest';
import type { Result } from '@outrider/domain/kernel/result';
import { type Envelope, preAuthenticationEncoding } from '@outrider/domain/trust/envelope';
import type { Signer } from '@outrider/domain/trust/ports';
import { encodeJson, parseText } from '../kernel/json-text.ts';
import { COMPONENTS_MAX, DETAIL_CHARACTERS_MAX, DOCUMENT_BYTES_MAX, REQUEST_BYTES_MAX } from '../kernel/limits.ts';
import type { ParseError } from '../kernel/parse-error.ts';
import { keyOr, listOf, literal, optional, record, text, whole } from '../kernel/reader.ts';
import {
  bytes,
  deviceId,
  epoch,
  instant,
  label,
  permitId,
  releaseCounter,
  releaseId,
  rolloutId,
  sha256,
  version,
} from '../kernel/values.ts';
import { envelope } from '../trust/envelope.ts';
import { attestationKey, PCRS_MAX } from './tpm-quote.ts';

/** Writes the payload of a version manifest's envelope: the exact text that is signed. */
export function encodeVersionManifest(manifest: VersionManifest): string {
  return encodeJson(manifest);
}

/** Reads the payload of a version manifest's envelope; only canonical JSON is taken. Code: body-malformed. */
export function parseVersionManifest(payload: string): Result<VersionManifest, ParseError> {
  return parseText(payload, {
    noun: 'version-manifest',
    bytesMax: REQUEST_BYTES_MAX,
    reader: versionManifest,
    isCanonical: true,
  });
}

/** The envelope of a version manifest, signed with the key of the device. */
export function signVersionManifest(manifest: VersionManifest, signer: Signer): Envelope {
  const payload = encodeVersionManifest(manifest);
  const signature = signer.sign(preAuthenticationEncoding(VERSION_MANIFEST_TYPE, payload));
  return { payloadType: VERSION_MANIFEST_TYPE, payload, signatures: [signature] };
}

/** Reads a version manifest inside another document, signed or not. */
export const versionManifest = record<VersionManifest>({
  schema: literal(1),
  deviceId,
  sequence: whole({ min: 1 }),
  rolloutId,
  releaseId,
  permitId,
  epoch,
  slot: label,
  version,
  releaseCounter,
  images: listOf(record<ManifestImage>({ name: label, digest: sha256, bytes }), {
    countMin: 1,
    countMax: COMPONENTS_MAX,
  }),
  bootCount: whole({ min: 0 }),
  confirmedAt: instant,
});

/** Reads what a server keeps of the manifests of a device. Code: body-malformed. */
export function parseKeptManifests(body: string): Result<KeptManifests, ParseError> {
  return parseText(body, { noun: 'kept-manifests', bytesMax: DOCUMENT_BYTES_MAX, reader: keptManifests });
}

const enrolledTpm = record<EnrolledTpm>({
  publicKey: attestationKey,
  pcrs: listOf(record<PcrValue>({ index: whole({ min: 0, max: PCRS_MAX - 1 }), digest: sha256 }), {
    countMax: PCRS_MAX,
  }),
  enrolledAt: instant,
});

const keptManifests = record<KeptManifests>({
  manifest: optional(
    record<KeptManifest>({ envelope, tpm: optional(enrolledTpm), sequence: whole({ min: 1 }), receivedAt: instant }),
  ),
  disbelieved: optional(
    record<DisbelievedClaim>({
      code: keyOr<ClaimFaultCode>(CLAIM_FAULTS, 'manifest-malformed'),
      sequence: whole({ min: 1 }),
      detail: optional(text({ charactersMax: DETAIL_CHARACTERS_MAX })),
      receivedAt: instant,
    }),
  ),
});

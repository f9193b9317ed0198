// SPDX-License-Identifier: Apache-2.0
import { err, ok, type Result } from '../kernel/result.ts';
import type { ClaimNeeds } from '../policy/rollout.ts';
import type { RollbackTwin } from '../release/release.ts';
import { type PublicKey, preAuthenticationEncoding } from '../trust/envelope.ts';
import type { SignatureVerifier } from '../trust/ports.ts';
import type { ManifestFaultCode } from './manifest-faults.ts';
import type { Report } from './report.ts';
import { VERSION_MANIFEST_TYPE, type VersionManifest } from './version-manifest.ts';

/** What a version manifest is held against. */
export interface ManifestWorld {
  /** The key that the device registered with: the one its certificate is for. */
  readonly publicKey: PublicKey;
  readonly verifier: SignatureVerifier;
  /** Reads the payload, once it is verified (protocol/gateway/version-manifest). */
  readonly parse: (payload: string) => Result<VersionManifest, unknown>;
  /** What was permitted: a release or its twin. Absent where the rollout is no longer live: the ledger has no open row for it either. */
  readonly release?: RollbackTwin;
}

/**
 * The version manifest of a report, if it is one of this device, for this very report, and for the release that was permitted.
 * Nothing is parsed before it is verified. Codes: those of `ManifestFaultCode`.
 */
export function verifyManifest(report: Report, world: ManifestWorld): Result<VersionManifest, ManifestFaultCode> {
  const { manifest: envelope } = report;
  if (envelope === undefined) return err('manifest-missing');
  const { payloadType, payload, signatures } = envelope;
  if (payloadType !== VERSION_MANIFEST_TYPE) return err('manifest-type-wrong');
  const { publicKey, verifier } = world;
  const own = signatures.find(({ keyId }) => keyId === publicKey.keyId);
  const message = preAuthenticationEncoding(payloadType, payload);
  if (own === undefined || !verifier.verify(publicKey, message, own.signature)) {
    return err('manifest-signature-invalid');
  }
  const parsed = world.parse(payload);
  if (!parsed.ok) return err('manifest-malformed');
  const manifest = parsed.value;
  if (manifest.deviceId !== report.deviceId) return err('manifest-for-another');
  if (!isForReport(manifest, report)) return err('manifest-replayed');
  if (!isWhatRuns(manifest, report)) return err('manifest-differs');
  if (world.release !== undefined && !isOfRelease(manifest, world.release)) return err('manifest-other-release');
  return ok(manifest);
}

/** What decides whether a claim may come without a version manifest. */
export interface LackWorld {
  /** Of the plan, which approvers sign. */
  readonly needs?: ClaimNeeds;
  /** The way back: nothing is compared there, and a device may have gone back to an agent that signs none. */
  readonly isWayBack: boolean;
  /** A version manifest of the device was believed before. */
  readonly hasShownOne: boolean;
}

/**
 * Whether the signature of a report is enough without a version manifest: as the plan says, else only from a device that has
 * never shown that it signs them, so that nobody can leave them out afterwards.
 */
export function mayLackManifest({ needs, isWayBack, hasShownOne }: LackWorld): boolean {
  if (needs !== undefined) return needs === 'signature';
  return isWayBack || !hasShownOne;
}

/** The same of the quote of a TPM, of which a plan may say that everybody needs one. */
export function mayLackQuote(world: Omit<LackWorld, 'hasShownOne'> & { readonly hasEnrolled: boolean }): boolean {
  const { needs, isWayBack, hasEnrolled } = world;
  if (needs !== undefined) return needs !== 'quote';
  return isWayBack || !hasEnrolled;
}

/** One permit, one report: a manifest that was seen before is of no use with another. */
function isForReport(manifest: VersionManifest, report: Report): boolean {
  return (
    manifest.sequence === report.sequence &&
    manifest.permitId === report.permitId &&
    manifest.rolloutId === report.rolloutId &&
    manifest.releaseId === report.releaseId
  );
}

function isWhatRuns({ version, releaseCounter, images }: VersionManifest, { running }: Report): boolean {
  if (version !== running.version || releaseCounter !== running.releaseCounter) return false;
  return images.every(({ name, digest }) =>
    running.components.some((one) => one.name === name && one.digest === digest),
  );
}

/** Exactly its images, in any order. */
function isOfRelease({ version, releaseCounter, images }: VersionManifest, release: RollbackTwin): boolean {
  if (version !== release.version || releaseCounter !== release.releaseCounter) return false;
  if (images.length !== release.components.length) return false;
  return release.components.every(({ name, image }) =>
    images.some((one) => one.name === name && one.digest === image.digest && one.bytes === image.bytes),
  );
}

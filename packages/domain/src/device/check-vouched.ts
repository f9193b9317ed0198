// SPDX-License-Identifier: Apache-2.0
import type { Offer } from '../gateway/check-in.ts';
import type { DeviceId } from '../kernel/ids.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import { claimOf, type TargetClaim } from '../release/release-targets.ts';
import { utf8Length } from '../trust/envelope.ts';
import type { MetadataError } from '../trust/tuf/errors.ts';
import type { SignedMetadata, TargetFile, TargetsMetadata } from '../trust/tuf/metadata.ts';
import type { MetadataDigest } from '../trust/tuf/ports.ts';

/** What both repositories said of an offered release. */
export interface Vouchers {
  /** The name of the release as a file. */
  readonly path: string;
  readonly image: TargetFile;
  /** The director's targets for one device, verified already. */
  readonly director: SignedMetadata<TargetsMetadata>;
  readonly deviceId: DeviceId;
  readonly hardwareId: string;
  readonly digest: MetadataDigest;
}

/**
 * Whether director and image repository mean the same, and mean this offer: name, length, digest, hardware and release counter
 * of exactly the bytes that came. Codes: target-unknown, target-differs. Source: Uptane 2.1.0 §5.4.4.2.
 */
export function checkVouched(offer: Offer, vouchers: Vouchers): Result<TargetClaim, MetadataError> {
  const { path, image, director, deviceId, hardwareId, digest } = vouchers;
  if (director.signed.deviceId !== deviceId) {
    return differs(`The director speaks to ${director.signed.deviceId ?? 'nobody'}, this device is ${deviceId}`);
  }
  const directed = director.signed.targets.get(path);
  if (directed === undefined) return err({ code: 'target-unknown', detail: `The director does not name ${path}` });
  const [claim, said] = [claimOf(image), claimOf(directed)];
  if (claim === undefined || said === undefined) return differs(`${path} has no hardware and counter in a repository`);
  const { payload } = offer.release;
  const sha256 = digest('sha256', payload) ?? '';
  const pairs: readonly (readonly [string, string | number | undefined, string | number])[] = [
    ['length in the image repository', image.length, utf8Length(payload)],
    ['length at the director', directed.length, utf8Length(payload)],
    ['SHA-256 in the image repository', image.hashes.get('sha256'), sha256],
    ['SHA-256 at the director', directed.hashes.get('sha256'), sha256],
    ['release counter at the director', said.releaseCounter, claim.releaseCounter],
    ['hardware at the director', said.hardwareIds.join(), hardwareId],
  ];
  const wrong = pairs.find(([, seen, needed]) => seen !== needed);
  if (wrong !== undefined) return differs(`${path}: the ${wrong[0]} is ${wrong[1]}, needed is ${wrong[2]}`);
  if (!claim.hardwareIds.includes(hardwareId)) {
    return differs(
      `${path} is for ${claim.hardwareIds.join(' ')} in the image repository, this device is ${hardwareId}`,
    );
  }
  return ok(claim);
}

function differs(detail: string): Result<never, MetadataError> {
  return err({ code: 'target-differs', detail });
}

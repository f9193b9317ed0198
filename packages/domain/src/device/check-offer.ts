// SPDX-License-Identifier: Apache-2.0
import type { Offer } from '../gateway/check-in.ts';
import type { RunningSoftware } from '../gateway/device-record.ts';
import type { ReleaseCounter } from '../kernel/ids.ts';
import { firstFailing } from '../kernel/predicate.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import { ELIGIBILITY, type EligibilitySubject } from '../release/eligibility.ts';
import { type Floors, floorAbove, raisedFloors } from '../release/floors.ts';
import { type Component, RELEASE_MANIFEST_TYPE, type ReleaseManifest, type RollbackTwin } from '../release/release.ts';
import type { TargetClaim } from '../release/release-targets.ts';
import type { SignatureVerifier } from '../trust/ports.ts';
import type { TrustAnchors } from '../trust/role.ts';
import { verifyThreshold } from '../trust/verify-threshold.ts';
import { checkCharter, type DeviceCharterCheck } from './check-charter.ts';
import type { DeviceError, DeviceErrorCode } from './errors.ts';
import type { UpdatePart, UpdatePlan } from './state.ts';

/** What a device needs to judge an offer. */
export interface OfferCheck {
  readonly anchors: TrustAnchors;
  readonly verifier: SignatureVerifier;
  /** Reads the payload, once it is verified (protocol/release/manifest). */
  readonly parse: (payload: string) => Result<ReleaseManifest, unknown>;
  readonly deviceType: string;
  readonly hardwareId: string;
  readonly running: RunningSoftware;
  readonly revertedCounters: readonly ReleaseCounter[];
  /** How charters are read; who signs them is pinned in the anchors. */
  readonly charter: Pick<DeviceCharterCheck, 'digestText' | 'parseCharter' | 'parseOpening' | 'facts' | 'now'>;
  /** What both repositories say of exactly this payload; absent on a device that pins keys alone. */
  readonly vouched?: TargetClaim;
  /** Of the journal: what this device has confirmed. */
  readonly floors?: Floors;
}

/**
 * What an offer means for this device, after every check that needs no permit: signatures of the release by the pinned
 * threshold, device type, hardware, counter, floor, and artifacts that promise exactly the signed images. No byte of the
 * manifest is parsed before it is verified. Codes: every offer code of DeviceErrorCode.
 */
export function checkOffer(offer: Offer, check: OfferCheck): Result<UpdatePlan, DeviceError> {
  const { release } = offer;
  if (release.payloadType !== RELEASE_MANIFEST_TYPE) {
    return refuse('release-type-wrong', `The document is of type ${release.payloadType}, not ${RELEASE_MANIFEST_TYPE}`);
  }
  // With repositories their roles say who may sign, and the keys pinned beside them are asked no more.
  const verified = check.vouched ? ok('verified') : verifyThreshold(release, check.anchors.releaseRole, check.verifier);
  if (!verified.ok) return refuse('release-unsigned', `The pinned keys do not vouch for it: ${verified.error.code}`);
  const parsed = check.parse(release.payload);
  if (!parsed.ok) return refuse('release-malformed', 'The signed text is no release manifest that this agent reads');
  const manifest = parsed.value;
  const meant = offer.isRollback ? manifest.rollbackTwin : manifest;
  if (meant === undefined) return refuse('release-differs', `Release ${manifest.releaseId} has no rollback twin`);
  const fault = eligibilityFault({ offer, manifest, meant, check });
  if (fault !== undefined) return err(fault);
  const parts = matchParts(offer, meant.components, check);
  if (!parts.ok) return parts;
  const { verifier, deviceType, anchors } = check;
  const charter = checkCharter(offer, { ...check.charter, verifier, deviceType, role: anchors.approverRole });
  if (!charter.ok) return charter;
  return ok({
    rolloutId: offer.rolloutId,
    releaseId: offer.releaseId,
    isRollback: offer.isRollback,
    epoch: offer.epoch,
    content: {
      version: meant.version,
      releaseCounter: meant.releaseCounter,
      components: meant.components.map(({ name, image }) => ({ name, digest: image.digest })),
    },
    parts: parts.value,
    ...(charter.value === undefined ? {} : { charter: charter.value }),
    ...(check.vouched?.floors && { floors: check.vouched.floors }),
  });
}

interface Candidate {
  readonly offer: Offer;
  readonly manifest: ReleaseManifest;
  readonly meant: ReleaseManifest | RollbackTwin;
  readonly check: OfferCheck;
}

function eligibilityFault({ offer, manifest, meant, check }: Candidate): DeviceError | undefined {
  const { running, hardwareId } = check;
  if (offer.releaseId !== meant.releaseId) {
    return { code: 'release-differs', detail: `Offered is ${offer.releaseId}, signed is ${meant.releaseId}` };
  }
  if (manifest.deviceType !== check.deviceType) {
    const detail = `The release is for ${manifest.deviceType}, this device is a ${check.deviceType}`;
    return { code: 'device-type-mismatch', detail };
  }
  if (check.vouched !== undefined && check.vouched.releaseCounter !== meant.releaseCounter) {
    const detail = `Both repositories say counter ${check.vouched.releaseCounter}, the manifest ${meant.releaseCounter}`;
    return { code: 'repository-refused', detail };
  }
  const below = belowFloor(meant.releaseCounter, offer.isRollback, check);
  if (below !== undefined) return below;
  if (check.revertedCounters.includes(meant.releaseCounter)) {
    const detail = `Counter ${meant.releaseCounter} failed its trial boot on this device`;
    return { code: 'release-reverted-here', detail };
  }
  if (offer.isRollback && running.releaseCounter < manifest.releaseCounter) {
    const detail = `Counter ${running.releaseCounter} runs, to be taken back is ${manifest.releaseCounter}`;
    return { code: 'rollback-not-needed', detail };
  }
  // The way back asks for no floor and no dependency: it is what this device ran before, under a higher counter.
  const subject: EligibilitySubject = {
    manifest: offer.isRollback ? { ...withoutConditions(manifest), ...meant } : manifest,
    hardwareId,
    running,
  };
  const failing = ELIGIBILITY[firstFailing(ELIGIBILITY, subject)];
  if (failing === undefined) return undefined;
  return {
    code: failing.code,
    detail: `${failing.claim}: ${failing.seen(subject)}, needed: ${failing.needed(subject)}`,
  };
}

/** A way back has a higher counter and older bytes: those count, and where nobody signed how old they are, no floor lets them by. */
function belowFloor(releaseCounter: number, isRollback: boolean, check: OfferCheck): DeviceError | undefined {
  const { vouched, floors } = check;
  const counter = vouched?.contentCounter ?? (isRollback ? 0 : releaseCounter);
  const found = floorAbove(raisedFloors(floors, isRollback ? undefined : vouched?.floors), counter);
  if (found === undefined) return undefined;
  const { kind, floor } = found;
  return { code: `below-${kind}-floor`, detail: `Its bytes have counter ${counter}, the ${kind} floor is ${floor}` };
}

function withoutConditions({ floorVersion: _, ...manifest }: ReleaseManifest): ReleaseManifest {
  return { ...manifest, dependencies: [] };
}

/** Artifact and image of each component, in the order of the manifest. */
function matchParts(
  offer: Offer,
  components: readonly Component[],
  check: OfferCheck,
): Result<readonly UpdatePart[], DeviceError> {
  if (offer.artifacts.length !== components.length) {
    const detail = `${offer.artifacts.length} artifacts are offered for ${components.length} components`;
    return refuse('artifact-mismatch', detail);
  }
  const parts: UpdatePart[] = [];
  for (const { name, image } of components) {
    const artifact = offer.artifacts.find(({ component }) => component === name)?.artifact;
    if (artifact === undefined) return refuse('artifact-mismatch', `No artifact is offered for component ${name}`);
    const base = check.running.components.find((component) => component.name === name)?.digest;
    const isPromised =
      artifact.kind === 'full'
        ? artifact.digest === image.digest && artifact.bytes === image.bytes
        : artifact.delta.toDigest === image.digest &&
          artifact.delta.fromDigest === base &&
          // A delta is never the larger way (delta.ts): more bytes would be endless data.
          artifact.delta.bytes < image.bytes;
    if (!isPromised) {
      const detail = `The artifact of component ${name} does not lead from the running image to the signed one`;
      return refuse('artifact-mismatch', detail);
    }
    parts.push({ component: name, image, artifact });
  }
  return ok(parts);
}

function refuse(code: DeviceErrorCode, detail: string): Result<never, DeviceError> {
  return err({ code, detail });
}

// SPDX-License-Identifier: Apache-2.0
import { PERMIT_TYPE, type PermitDocument } from '../gateway/permit.ts';
import type { DeviceId } from '../kernel/ids.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import { elapsedMs, type FleetInstant } from '../kernel/time.ts';
import type { Envelope } from '../trust/envelope.ts';
import type { SignatureVerifier } from '../trust/ports.ts';
import type { TrustAnchors } from '../trust/role.ts';
import { verifyThreshold } from '../trust/verify-threshold.ts';
import { charterMisfit, floorAfterPermit, timeAtPermit } from './check-charter.ts';
import type { DeviceError, DeviceErrorCode } from './errors.ts';
import type { HeldPermit, UpdatePlan } from './state.ts';

/** What a device needs to judge a permit. */
export interface PermitCheck {
  readonly anchors: Pick<TrustAnchors, 'permitKeys'>;
  readonly verifier: SignatureVerifier;
  /** Reads the payload, once it is verified (protocol/gateway/permit). */
  readonly parse: (payload: string) => Result<PermitDocument, unknown>;
  readonly deviceId: DeviceId;
  readonly plan: UpdatePlan;
  readonly askedAt: FleetInstant;
  /** Of the request that was sent. */
  readonly sequence: number;
  /** The newest time the device was ever sure of. */
  readonly timeFloor: FleetInstant;
}

/**
 * A permit that this device may act on: signed by a pinned permit key, for this device, rollout, release and counter.
 * Codes: permit-type-wrong, permit-unsigned, permit-malformed, permit-for-another, permit-replayed, and those of the
 * charter it has to stand on.
 */
export function checkPermit(envelope: Envelope, check: PermitCheck): Result<HeldPermit, DeviceError> {
  if (envelope.payloadType !== PERMIT_TYPE) {
    return refuse('permit-type-wrong', `The document is of type ${envelope.payloadType}, a permit is ${PERMIT_TYPE}`);
  }
  const role = { threshold: 1, groups: [{ name: 'permit', keys: check.anchors.permitKeys }] };
  const verified = verifyThreshold(envelope, role, check.verifier);
  if (!verified.ok) return refuse('permit-unsigned', `No pinned permit key signed it: ${verified.error.code}`);
  const parsed = check.parse(envelope.payload);
  if (!parsed.ok) return refuse('permit-malformed', 'The signed text is no permit that this agent reads');
  const document = parsed.value;
  const difference = differenceTo(document, check.deviceId, check.plan);
  if (difference !== undefined) return refuse('permit-for-another', difference);
  // One that names no request is of a server of before; where a charter is pinned, no such server is talked to.
  const answers = document.sequence ?? (check.plan.charter === undefined ? check.sequence : 'none');
  if (answers !== check.sequence) {
    return refuse('permit-replayed', `The permit answers request ${answers}, sent was ${check.sequence}`);
  }
  const times = { clock: check.askedAt, floor: check.timeFloor, signed: document.grantedAt };
  const misfit = charterMisfit(document, check.plan, timeAtPermit(times));
  if (misfit !== undefined) return err(misfit);
  const timeFloor = check.plan.charter === undefined ? {} : { timeFloor: floorAfterPermit(times) };
  return ok({ document, askedAt: check.askedAt, ...timeFloor });
}

/**
 * Whether a held permit still lets this device install this plan at `now`. Its life counts on the device's own clock from
 * the instant it asked; a clock that went back ends it, since nobody knows how much time has passed.
 */
export function isUsable(permit: HeldPermit, plan: UpdatePlan, at: { deviceId: DeviceId; now: FleetInstant }): boolean {
  const usedMs = elapsedMs(permit.askedAt, at.now);
  return (
    differenceTo(permit.document, at.deviceId, plan) === undefined && usedMs >= 0 && usedMs < permit.document.lifeMs
  );
}

/** What the permit names otherwise than the plan, or undefined. */
function differenceTo(document: PermitDocument, deviceId: DeviceId, plan: UpdatePlan): string | undefined {
  const pairs: readonly (readonly [string, string | number, string | number])[] = [
    ['device', document.deviceId, deviceId],
    ['rollout', document.rolloutId, plan.rolloutId],
    ['release', document.releaseId, plan.releaseId],
    ['release counter', document.releaseCounter, plan.content.releaseCounter],
  ];
  const wrong = pairs.find(([, seen, needed]) => seen !== needed);
  return wrong && `The permit is for ${wrong[0]} ${wrong[1]}, this update needs ${wrong[2]}`;
}

function refuse(code: DeviceErrorCode, detail: string): Result<never, DeviceError> {
  return err({ code, detail });
}

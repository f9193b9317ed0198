// SPDX-License-Identifier: Apache-2.0
import type { Offer } from '../gateway/check-in.ts';
import type { PermitDocument } from '../gateway/permit.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import { type FleetInstant, fleetInstant, instantText, MINUTE_MS } from '../kernel/time.ts';
import { type DeviceFacts, judgeAudience, knownValue } from '../policy/audience-facts.ts';
import type { CharterError, CharterErrorCode } from '../policy/charter-errors.ts';
import { reachOf } from '../policy/charter-place.ts';
import { type CharterCheck, verifyCharter } from '../policy/verify-charter.ts';
import type { SigningRole } from '../trust/role.ts';
import type { HeldCharter } from './state.ts';

/** What a device needs to check the charter of an offer itself. */
export interface DeviceCharterCheck extends Omit<CharterCheck, 'role'> {
  /** Pinned at registration. Absent: the installation had no approvers then, and nothing is asked for. */
  readonly role: SigningRole | undefined;
  readonly facts: DeviceFacts;
  readonly deviceType: string;
  /** What time it is at least: the larger of the device's clock and its floor. */
  readonly now: FleetInstant;
}

/**
 * What the charter of an offer allows this very device: signatures of the pinned approvers, release, audience as far as the
 * device knows it, expiry, and for each wave whether it is signed and reaches the device's own place in the order. For the
 * way back the signatures and the release are enough. Undefined where no approvers are pinned. Codes: those of CharterError.
 */
export function checkCharter(offer: Offer, check: DeviceCharterCheck): Result<HeldCharter | undefined, CharterError> {
  const { role } = check;
  if (role === undefined) return ok(undefined);
  if (offer.charter === undefined) return refuse('charter-missing', 'The offer brings no charter');
  const verified = verifyCharter(offer.charter, { ...check, role });
  if (!verified.ok) return verified;
  const { document, sha256, isSigned } = verified.value;
  const { plan, releaseSha256, issuedAt, expiresAt } = document;
  if (plan.rolloutId !== offer.rolloutId) {
    return refuse('charter-for-another', `Offered is rollout ${offer.rolloutId}, signed is ${plan.rolloutId}`);
  }
  if (plan.deviceType !== check.deviceType) {
    return refuse('charter-for-another', `It is for ${plan.deviceType}, this device is a ${check.deviceType}`);
  }
  const offered = check.digestText(offer.release.payload);
  if (offered !== releaseSha256) {
    return refuse('charter-for-another', `Offered is a release with digest ${offered}, signed is ${releaseSha256}`);
  }
  const segment = knownValue(plan.segmentBy, check.facts);
  const reach = reachOf(document, { deviceId: check.facts.deviceId, ...(segment === undefined ? {} : { segment }) });
  const held: HeldCharter = {
    sha256,
    issuedAt,
    expiresAt,
    waves: document.waves.map(({ notBefore }, index) => ({
      notBefore,
      isSigned: isSigned[index] === true,
      isMine: reach[index] === true,
    })),
  };
  if (offer.isRollback) return ok(held);
  if (judgeAudience(plan.audience, check.facts) === 'no') {
    return refuse('charter-audience', 'What the device knows of itself is not in the audience');
  }
  if (laterOf(check.now, issuedAt) >= expiresAt) {
    return refuse('charter-expired', `It was good until ${instantText(expiresAt)}`);
  }
  if (held.waves.some((wave) => wave.isMine && wave.isSigned)) return ok(held);
  return held.waves.some((wave) => wave.isMine)
    ? refuse('charter-wave-unsigned', 'Every wave that reaches the device goes beyond a tenth and has no signature')
    : refuse('charter-place', 'No wave reaches the place of the device in the order');
}

/** Why a permit is not one that the held charter allows at `now`; undefined: it is, or no charter is asked for. */
export function charterMisfit(
  document: PermitDocument,
  { charter, isRollback }: { readonly charter?: HeldCharter; readonly isRollback: boolean },
  now: FleetInstant,
): CharterError | undefined {
  if (charter === undefined) return undefined;
  const named = document.charter;
  if (named?.sha256 !== charter.sha256) {
    const detail = `The permit names ${named === undefined ? 'no charter' : named.sha256}, held is ${charter.sha256}`;
    return { code: 'charter-permit-differs', detail };
  }
  if (isRollback) return undefined;
  const wave = named.waveIndex === undefined ? undefined : charter.waves[named.waveIndex];
  if (wave === undefined) {
    return { code: 'charter-permit-differs', detail: `The charter has no wave ${named.waveIndex ?? 'without index'}` };
  }
  if (!wave.isMine) return { code: 'charter-place', detail: `Wave ${named.waveIndex} does not reach the device` };
  if (!wave.isSigned) return { code: 'charter-wave-unsigned', detail: `Wave ${named.waveIndex} has no signature` };
  if (now < wave.notBefore) {
    return { code: 'charter-wave-early', detail: `The wave begins at ${instantText(wave.notBefore)}` };
  }
  if (now < charter.expiresAt) return undefined;
  return { code: 'charter-expired', detail: `It was good until ${instantText(charter.expiresAt)}` };
}

/**
 * What time it is at least, when a permit comes. The clock counts, and the floor where the clock lies below it (a device
 * that wakes in 1970). The time that online keys signed is believed where the clock is plainly wrong, and else a few
 * minutes far: a thief of those keys goes early only as far as the device's own clock lets him.
 */
export function timeAtPermit(times: {
  readonly clock: FleetInstant;
  /** The newest time the device was ever sure of. */
  readonly floor: FleetInstant;
  readonly signed: FleetInstant;
}): FleetInstant {
  const { clock, floor, signed } = times;
  const known = laterOf(clock, floor);
  const believed = isPlainlyWrong(clock, floor) ? signed : Math.min(signed, clock + CLOCK_SKEW_MS_MAX);
  return laterOf(known, fleetInstant(believed));
}

/** The floor after a permit that was taken: what was signed, and no more than a clock that may be right says itself. */
export function floorAfterPermit(times: Parameters<typeof timeAtPermit>[0]): FleetInstant {
  const { clock, floor, signed } = times;
  const sure = isPlainlyWrong(clock, floor) ? signed : Math.min(signed, clock);
  return laterOf(floor, fleetInstant(sure));
}

function isPlainlyWrong(clock: FleetInstant, floor: FleetInstant): boolean {
  return clock + CLOCK_SKEW_MS_MAX < floor;
}

/** The later of two instants. */
export function laterOf(a: FleetInstant, b: FleetInstant): FleetInstant {
  return a > b ? a : b;
}

/** Clocks that are set by the network differ by seconds; by the telephone network, by a few minutes. */
const CLOCK_SKEW_MS_MAX = 10 * MINUTE_MS;

function refuse(code: CharterErrorCode, detail: string): Result<never, CharterError> {
  return err({ code, detail });
}

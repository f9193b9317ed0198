// SPDX-License-Identifier: Apache-2.0
import type { DeviceId, SegmentId, Sha256 } from '../kernel/ids.ts';
import type { FleetInstant } from '../kernel/time.ts';
import type { Envelope } from '../trust/envelope.ts';
import type { GatewayCharterError } from './charter-errors.ts';
import { DDI_REPORTS_COUNTED, type DdiReportClass, type RolloutPlan } from './rollout.ts';

/**
 * What approvers sign, k of n groups of them, before a rollout may start: which release, for whom, in which order, how many
 * and when, under which gates. Gateways refuse to serve outside it, and devices check it themselves. The payload of an
 * envelope of `CHARTER_TYPE`, as canonical JSON.
 */
export interface CharterDocument {
  readonly schema: 1;
  /** The plan that was approved, whole: audience, salt, gates with base rates and budget, what a halt does. */
  readonly plan: RolloutPlan;
  /** SHA-256 of the payload of the release's envelope: with it the rollback twin is authorised too. */
  readonly releaseSha256: Sha256;
  /** One for each wave of the plan, in its order. */
  readonly waves: readonly CharterWave[];
  readonly reports: CharterReports;
  /** k: how many groups must sign, charter and wave alike; the pinned role may ask for more, never for fewer. */
  readonly groups: number;
  readonly issuedAt: FleetInstant;
  /** No permit after this; the way back stays open. */
  readonly expiresAt: FleetInstant;
}

/** How far one wave may go, and from when on. */
export interface CharterWave {
  /** That of the plan's wave. */
  readonly name: string;
  /** Devices whose place lies below it may be exposed: the first 32 bits of the place, so 2^32 is everybody. */
  readonly threshold: number;
  /** Segments with a threshold of their own. Absent: none. */
  readonly segments?: readonly SegmentThreshold[];
  /** Treated permits over the whole rollout, rings included, while this wave is the one that is open. Absent: no cap. */
  readonly devicesMax?: number;
  /** Devices of the wave's ring, named one by one: a tag can be given to anybody by whoever holds the database. */
  readonly ringDevices: readonly DeviceId[];
  /** No permit of this wave before this instant. */
  readonly notBefore: FleetInstant;
}

/** A segment whose threshold differs from that of its wave. */
export interface SegmentThreshold {
  readonly segment: SegmentId;
  readonly threshold: number;
}

/** Whose word counts: by how a report was authenticated as coming from its device. */
export interface CharterReports {
  readonly halt: readonly ReportClass[];
  readonly widen: readonly ReportClass[];
}

/** `signed` by the device itself, or told over hawkBit's DDI by a device that showed who it is in one of these ways. */
export type ReportClass = 'signed' | DdiReportClass;

/** Whose word counts under this plan: what a charter has to say of it, word for word. */
export function classesCounted({ ddiReportsCounted = DDI_REPORTS_COUNTED }: RolloutPlan): readonly ReportClass[] {
  return ['signed', ...ddiReportsCounted];
}

/** The payload type of a charter. */
export const CHARTER_TYPE = 'application/vnd.outrider.charter+json';

/** The signature of its own that a wave above a tenth needs: signed by k of n groups like the charter that it names. */
export interface WaveOpening {
  readonly schema: 1;
  readonly charterSha256: Sha256;
  /** Index into the waves of the charter, and the wave's threshold once more, so that a signer sees what it opens. */
  readonly waveIndex: number;
  readonly threshold: number;
}

/** The payload type of a wave's opening. */
export const WAVE_OPENING_TYPE = 'application/vnd.outrider.charter-wave+json';

/** A charter as it travels: the document, and the openings of waves that were signed so far. */
export interface SignedCharter {
  readonly document: Envelope;
  readonly openings: readonly Envelope[];
}

/** A charter after all its signatures were checked. */
export interface VerifiedCharter {
  readonly document: CharterDocument;
  /** Of the payload: what permits and openings name it by. */
  readonly sha256: Sha256;
  /** For each wave: its threshold is at most a tenth, or it has a signature of its own. */
  readonly isSigned: readonly boolean[];
}

/** A charter before the gateway: what it may serve by, or why it may not. Absent where no approvers are installed. */
export type CharterStanding =
  | { readonly kind: 'valid'; readonly charter: VerifiedCharter; readonly signed: SignedCharter }
  | { readonly kind: 'refused'; readonly error: GatewayCharterError };

/** The threshold under which everybody lies: places are compared by their first 32 bits. */
export const THRESHOLD_WHOLE = 4_294_967_296;

/** One tenth of the hash space, rounded down. A wave above it needs a signature of its own. */
export const THRESHOLD_TENTH = 429_496_729;

/** Devices of all rings, named one by one in what every device of the rollout downloads: 130 KB at most. */
export const RING_DEVICES_MAX = 1_000;

/** Longer than any rollout; a charter that never ends would outlive the people who answer for it. */
export const CHARTER_DAYS_MAX = 400;

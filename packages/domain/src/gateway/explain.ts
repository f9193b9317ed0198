// SPDX-License-Identifier: Apache-2.0
import type { DeviceId, ReleaseId, RolloutId } from '../kernel/ids.ts';
import { type ExplainedPredicate, explainPredicates } from '../kernel/predicate.ts';
import { type FleetInstant, instantText } from '../kernel/time.ts';
import { armUnitOf } from '../policy/place.ts';
import { answerCheckIn, candidatesOf } from './answer-check-in.ts';
import { type Candidate, rollbackCandidateOf } from './candidate.ts';
import type { CheckIn, CheckInAnswer } from './check-in.ts';
import type { KnownDevice } from './device-record.ts';
import { REFUSALS } from './errors.ts';
import type { LedgerRow } from './ledger.ts';
import { freezeText, OFFER_PREDICATES, PERMIT_PREDICATES, ROLLBACK_PREDICATES } from './offer-predicates.ts';
import { canReEnrol, windowsCloseAt } from './re-enrol.ts';
import type { PolicySnapshot } from './snapshot.ts';
import type { KeptManifests } from './version-manifest.ts';

/** Why a device gets, or does not get, what it gets: every predicate with its values, then the answer they lead to. */
export interface Explanation {
  readonly deviceId: DeviceId;
  /** One for each live rollout of its type, newest first. */
  readonly rollouts: readonly RolloutExplanation[];
  readonly answer: ExplainedAnswer;
  /** Its key was seen in two places: what it says of itself may be of another device. Present when it is so. */
  readonly isCloneSuspected?: boolean;
  /** What it last proved of what it runs, and what it said that was not believed. Present where there is either. */
  readonly manifests?: KeptManifests;
}

/** The device before one rollout: the predicates of the offer, then how it stands with the ledger. */
export interface RolloutExplanation {
  readonly rolloutId: RolloutId;
  readonly releaseId: ReleaseId;
  readonly version: string;
  /** True: the predicates are those of the rollback twin. */
  readonly isRollback: boolean;
  readonly offer: readonly ExplainedPredicate[];
  readonly permit: PermitExplanation;
}

/** How the device stands with the ledger, in a sentence and in figures. */
export interface PermitExplanation {
  readonly sentence: string;
  readonly armUnit: number;
  readonly pi: number;
  readonly enrolment?: LedgerRow;
  readonly rollbackRow?: LedgerRow;
}

/** The answer that the predicates lead to, with its sentence. */
export interface ExplainedAnswer {
  readonly kind: CheckInAnswer['kind'];
  /** The refusal's code, or `offer`. */
  readonly code: string;
  readonly rolloutId?: RolloutId;
  readonly sentence: string;
}

/** Explains what the device would be answered now, from what it last said of itself. */
export function explainDevice(snapshot: PolicySnapshot, device: KnownDevice, now: FleetInstant): Explanation {
  const { record } = device;
  const { running, sequence, state } = record.status;
  const checkIn: CheckIn = { deviceId: record.deviceId, sequence, running, state };
  return {
    deviceId: record.deviceId,
    rollouts: candidatesOf(snapshot, { device, running, now }).map((candidate) => explainRollout(candidate, now)),
    answer: explainAnswer(answerCheckIn(snapshot, device, checkIn, now)),
  };
}

function explainRollout(candidate: Candidate, now: FleetInstant): RolloutExplanation {
  const back = rollbackCandidateOf(candidate);
  const { manifest, live } = candidate;
  return {
    rolloutId: live.rollout.plan.rolloutId,
    releaseId: back?.twin.releaseId ?? manifest.releaseId,
    version: back?.twin.version ?? manifest.version,
    isRollback: back !== undefined,
    offer:
      back === undefined
        ? [...explainPredicates(OFFER_PREDICATES, candidate), ...explainPredicates(PERMIT_PREDICATES, candidate)]
        : explainPredicates(ROLLBACK_PREDICATES, back),
    permit: explainPermit(candidate, now),
  };
}

function explainPermit(candidate: Candidate, now: FleetInstant): PermitExplanation {
  const { live, device, enrolment, rollbackRow } = candidate;
  return {
    sentence: permitSentence(candidate, now),
    armUnit: armUnitOf(live.rollout.plan.salt, device.deviceId),
    pi: live.exposure.pi,
    ...(enrolment === undefined ? {} : { enrolment }),
    ...(rollbackRow === undefined ? {} : { rollbackRow }),
  };
}

function permitSentence(candidate: Candidate, now: FleetInstant): string {
  const { live, enrolment, rollbackRow } = candidate;
  const { plan } = live.rollout;
  const { pi, granted, cap } = live.exposure;
  if (rollbackRow !== undefined) return `Permitted to go back at ${instantText(rollbackRow.grantedAt)}`;
  const [freeze] = candidate.freezes;
  if (enrolment === undefined) {
    const given = `Not enrolled; ${granted} of ${cap} permits have been given`;
    return freeze === undefined ? given : `${given}; frozen by ${freezeText(freeze, now)}`;
  }
  if (enrolment.arm === 'treated')
    return `Treated since ${instantText(enrolment.grantedAt)}, permit ${enrolment.permitId}`;
  if (canReEnrol(enrolment, plan, { pi, now })) return 'In the control arm; may be enrolled anew as soon as it asks';
  const closeAt = instantText(windowsCloseAt(enrolment, plan));
  return `In the control arm; may be enrolled anew after ${closeAt} once pi has risen above ${enrolment.pi}`;
}

function explainAnswer(answer: CheckInAnswer): ExplainedAnswer {
  if (answer.kind === 'refusal') {
    const { code, rolloutId } = answer;
    return { kind: 'refusal', code, sentence: REFUSALS[code], ...(rolloutId === undefined ? {} : { rolloutId }) };
  }
  const sentence = answer.isRollback
    ? 'The device is offered the way back'
    : 'The device may download; it installs when it is given a permit';
  return { kind: 'offer', code: 'offer', rolloutId: answer.rolloutId, sentence };
}

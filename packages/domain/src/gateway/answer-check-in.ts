// SPDX-License-Identifier: Apache-2.0
import { chooseArtifact } from '../delta/delta.ts';
import { assert } from '../kernel/assert.ts';
import { firstFailing } from '../kernel/predicate.ts';
import type { FleetInstant } from '../kernel/time.ts';
import type { Component } from '../release/release.ts';
import {
  type Candidate,
  type CandidateFacts,
  candidateOf,
  goesBackIn,
  type RollbackCandidate,
  rollbackCandidateOf,
} from './candidate.ts';
import type { CheckIn, CheckInAnswer, Offer, Refusal, RefusalCode } from './check-in.ts';
import type { KnownDevice } from './device-record.ts';
import type { LedgerRow } from './ledger.ts';
import { isInAudience, OFFER_PREDICATES, ROLLBACK_PREDICATES } from './offer-predicates.ts';
import { IDLE_POLL_MS, OPEN_OFFER_POLL_MS, type PollSituation, pollAfter, ROLLBACK_POLL_MS } from './poll.ts';
import type { LiveRollout, PolicySnapshot } from './snapshot.ts';

/**
 * "Is there something for me?" An offer to download ahead, or the reason of the rollout that came closest to one. The
 * way back comes before any way forward; of several rollouts the newest wins. Total for every parsed check-in.
 */
export function answerCheckIn(
  snapshot: PolicySnapshot,
  device: KnownDevice,
  checkIn: CheckIn,
  now: FleetInstant,
): CheckInAnswer {
  const live = liveFor(snapshot, device);
  const facts = { device, running: checkIn.running, now };
  let enrolment: LedgerRow | undefined;
  let back: RollbackCandidate | undefined;
  let open: Candidate | undefined;
  let closest: Standing | undefined;
  // One walk, newest first, that keeps the best of each kind: this is the way of every check-in.
  for (const one of live) {
    // Most rollouts are for others: nothing further is looked at then.
    if (isForOthers(one, facts)) {
      closest ??= { live: one, reached: 0, failing: FIRST_CODE, back: undefined };
      continue;
    }
    const candidate = candidateOf(snapshot, one, facts);
    enrolment = laterEnrolment(enrolment, candidate.enrolment);
    const standing = standingOf(candidate);
    if (standing.failing === undefined) {
      if (standing.back === undefined) open ??= candidate;
      else back ??= standing.back;
    } else if (closest === undefined || standing.reached > closest.reached) closest = standing;
  }
  const { deviceId, sequence } = checkIn;
  const poll: PollSituation =
    enrolment === undefined ? { deviceId, sequence, now } : { deviceId, sequence, now, enrolment };
  if (back !== undefined) return rollbackOffer(back, { pollAfterMs: pollAfter({ ...poll, meanMs: ROLLBACK_POLL_MS }) });
  if (open === undefined) return refusal(closest, { pollAfterMs: pollAfter(poll) });
  // An enrolled device keeps the rhythm of its arm, whatever it still holds open: both arms are asked alike.
  const meanMs = open.enrolment === undefined ? OPEN_OFFER_POLL_MS : IDLE_POLL_MS;
  return forwardOffer(open, { pollAfterMs: pollAfter({ ...poll, meanMs }) });
}

/** The device before each live rollout of its type, newest first. */
export function candidatesOf(snapshot: PolicySnapshot, facts: CandidateFacts): readonly Candidate[] {
  return liveFor(snapshot, facts.device).map((one) => candidateOf(snapshot, one, facts));
}

function liveFor(snapshot: PolicySnapshot, { record }: CandidateFacts['device']): readonly LiveRollout[] {
  return snapshot.rolloutsByDeviceType.get(record.attributes.deviceType) ?? NONE_LIVE;
}

const NONE_LIVE: readonly LiveRollout[] = [];

/** The enrolment granted last among these rollouts: the one whose re-polls are due. */
export function lastEnrolment(candidates: readonly Candidate[]): { readonly enrolment?: LedgerRow } {
  let last: LedgerRow | undefined;
  for (const { enrolment } of candidates) last = laterEnrolment(last, enrolment);
  return last === undefined ? {} : { enrolment: last };
}

/** The first of two that were granted at once stays. */
function laterEnrolment(last: LedgerRow | undefined, next: LedgerRow | undefined): LedgerRow | undefined {
  return next !== undefined && (last === undefined || next.grantedAt > last.grantedAt) ? next : last;
}

/**
 * Whether the device is not in the audience, has no row in the ledger, and the rollout does not go back: then the first predicate
 * decides, and there is nothing else to know.
 */
function isForOthers(live: LiveRollout, { device, running }: CandidateFacts): boolean {
  const { rollout } = live;
  if (device.ledger.some((row) => row.rolloutId === rollout.plan.rolloutId)) return false;
  if (isInAudience({ live, device: device.record, running })) return false;
  return !goesBackIn(rollout, device.record.attributes.region);
}

const FIRST_CODE = OFFER_PREDICATES[0]?.code;

assert(FIRST_CODE === 'not-in-audience', 'the audience as the first predicate of an offer');

/** How far the device came with one rollout. */
interface Standing {
  readonly live: LiveRollout;
  /** Set when the rollout goes back: then the twin is what it has to offer. */
  readonly back: RollbackCandidate | undefined;
  /** How many predicates hold before the first that does not. */
  readonly reached: number;
  /** Undefined: all hold, and there is an offer. */
  readonly failing: RefusalCode | undefined;
}

function standingOf(candidate: Candidate): Standing {
  const back = rollbackCandidateOf(candidate);
  const reached =
    back === undefined ? firstFailing(OFFER_PREDICATES, candidate) : firstFailing(ROLLBACK_PREDICATES, back);
  const failing = (back === undefined ? OFFER_PREDICATES : ROLLBACK_PREDICATES)[reached]?.code;
  return { live: candidate.live, back, reached, failing };
}

type Poll = Pick<Offer, 'pollAfterMs'>;

function refusal(closest: Standing | undefined, { pollAfterMs }: Poll): Refusal {
  if (closest?.failing === undefined) return { kind: 'refusal', code: 'no-rollout', pollAfterMs };
  const { rolloutId } = closest.live.rollout.plan;
  return { kind: 'refusal', code: closest.failing, rolloutId, pollAfterMs };
}

function forwardOffer(candidate: Candidate, { pollAfterMs }: Poll): Offer {
  return {
    kind: 'offer',
    rolloutId: candidate.live.rollout.plan.rolloutId,
    releaseId: candidate.manifest.releaseId,
    epoch: candidate.live.rollout.epoch,
    release: candidate.live.release.envelope,
    ...(candidate.live.charter?.kind === 'valid' ? { charter: candidate.live.charter.signed } : {}),
    isRollback: false,
    artifacts: artifactsFor(candidate, candidate.manifest.components),
    pollAfterMs,
  };
}

function rollbackOffer(candidate: RollbackCandidate, { pollAfterMs }: Poll): Offer {
  return {
    ...forwardOffer(candidate, { pollAfterMs }),
    releaseId: candidate.twin.releaseId,
    isRollback: true,
    artifacts: artifactsFor(candidate, candidate.twin.components),
  };
}

/** Each component as a delta from what the device runs under that name, if there is one, else whole. */
function artifactsFor({ live, running }: Candidate, components: readonly Component[]): Offer['artifacts'] {
  return components.map(({ name, image }) => {
    const base = running.components.find((one) => one.name === name);
    return { component: name, artifact: chooseArtifact(image, base?.digest, live.deltas) };
  });
}

// SPDX-License-Identifier: Apache-2.0
import { chooseArtifact } from '../delta/delta.ts';
import { firstFailing } from '../kernel/predicate.ts';
import type { FleetInstant } from '../kernel/time.ts';
import type { Component } from '../release/release.ts';
import { type Candidate, candidateOf, type RollbackCandidate, rollbackCandidateOf } from './candidate.ts';
import type { CheckIn, CheckInAnswer, Offer, Refusal, RefusalCode } from './check-in.ts';
import type { KnownDevice } from './device-record.ts';
import type { LedgerRow } from './ledger.ts';
import { OFFER_PREDICATES, ROLLBACK_PREDICATES } from './offer-predicates.ts';
import { IDLE_POLL_MS, OPEN_OFFER_POLL_MS, pollAfter, ROLLBACK_POLL_MS } from './poll.ts';
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
  const candidates = candidatesOf(snapshot, device, checkIn.running);
  const poll = { deviceId: checkIn.deviceId, sequence: checkIn.sequence, now, ...lastEnrolment(candidates) };
  for (const candidate of candidates) {
    const back = rollbackCandidateOf(candidate);
    if (back === undefined || firstFailing(ROLLBACK_PREDICATES, back) < ROLLBACK_PREDICATES.length) continue;
    return rollbackOffer(back, { pollAfterMs: pollAfter({ ...poll, meanMs: ROLLBACK_POLL_MS }) });
  }
  let closest: Closest = { reached: -1, code: 'no-rollout' };
  for (const candidate of candidates) {
    const reached = firstFailing(OFFER_PREDICATES, candidate);
    const failing = OFFER_PREDICATES[reached];
    if (failing === undefined) {
      // An enrolled device keeps the rhythm of its arm, whatever it still holds open: both arms are asked alike.
      const meanMs = candidate.enrolment === undefined ? OPEN_OFFER_POLL_MS : IDLE_POLL_MS;
      return forwardOffer(candidate, { pollAfterMs: pollAfter({ ...poll, meanMs }) });
    }
    if (reached > closest.reached) closest = { reached, code: failing.code, live: candidate.live };
  }
  return refusal(closest, { pollAfterMs: pollAfter(poll) });
}

/** The device before each live rollout of its type, newest first. */
export function candidatesOf(
  snapshot: PolicySnapshot,
  device: KnownDevice,
  running: CheckIn['running'],
): readonly Candidate[] {
  const live = snapshot.rolloutsByDeviceType.get(device.record.attributes.deviceType) ?? [];
  return live.map((one) => candidateOf(snapshot, one, { device, running }));
}

/** The enrolment granted last among these rollouts: the one whose re-polls are due. */
export function lastEnrolment(candidates: readonly Candidate[]): { readonly enrolment?: LedgerRow } {
  let last: LedgerRow | undefined;
  for (const { enrolment } of candidates) {
    if (enrolment !== undefined && (last === undefined || enrolment.grantedAt > last.grantedAt)) last = enrolment;
  }
  return last === undefined ? {} : { enrolment: last };
}

interface Closest {
  /** How many predicates held. */
  readonly reached: number;
  readonly code: RefusalCode;
  readonly live?: LiveRollout;
}

type Poll = Pick<Offer, 'pollAfterMs'>;

function refusal({ code, live }: Closest, { pollAfterMs }: Poll): Refusal {
  return {
    kind: 'refusal',
    code,
    ...(live === undefined ? {} : { rolloutId: live.rollout.plan.rolloutId }),
    pollAfterMs,
  };
}

function forwardOffer(candidate: Candidate, { pollAfterMs }: Poll): Offer {
  return {
    kind: 'offer',
    rolloutId: candidate.live.rollout.plan.rolloutId,
    releaseId: candidate.manifest.releaseId,
    epoch: candidate.live.rollout.epoch,
    release: candidate.live.release.envelope,
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

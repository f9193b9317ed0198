// SPDX-License-Identifier: Apache-2.0
import { firstFailing } from '../kernel/predicate.ts';
import type { FleetInstant } from '../kernel/time.ts';
import { armUnitOf, isPanel } from '../policy/place.ts';
import { type Candidate, candidateOf, type RollbackCandidate, rollbackCandidateOf } from './candidate.ts';
import { charterCap } from './charter-gate.ts';
import type { RefusalCode } from './check-in.ts';
import { wasSilentBefore } from './contact-history.ts';
import { hadCrashBefore } from './crash-history.ts';
import type { KnownDevice } from './device-record.ts';
import type { LedgerRow } from './ledger.ts';
import { OFFER_PREDICATES, ROLLBACK_PREDICATES } from './offer-predicates.ts';
import type { NotYet, NotYetCode, PermitRequest } from './permit.ts';
import { permitIdOf } from './permit-id.ts';
import { askAfter } from './poll.ts';
import type { PermitProposal } from './ports.ts';
import { canReEnrol } from './re-enrol.ts';
import type { PolicySnapshot } from './snapshot.ts';

/**
 * "I am ready: may I install now?" A row for the ledger to commit, or the reason why there is none. The proposal is no
 * permit yet: the store checks epoch and caps once more, and `settlePermit` turns what it says into the answer.
 *
 * A device that holds a treated row gets the same permit again, living on from now, under the present epoch and never
 * counted twice. A control waits until it may be enrolled anew. With one fixed uniform for each device, a control under
 * the former pi becomes treated when its uniform lies below the new one.
 */
export function answerPermit(
  snapshot: PolicySnapshot,
  device: KnownDevice,
  request: PermitRequest,
  now: FleetInstant,
): PermitProposal | NotYet {
  const live = snapshot.rollouts.get(request.rolloutId);
  const isForDevice = live?.rollout.plan.deviceType === device.record.attributes.deviceType;
  if (live === undefined || !isForDevice) return notYet('no-offer', { request, now });
  const candidate = candidateOf(snapshot, live, { device, running: device.record.status.running, now });
  return request.isRollback
    ? answerRollback(rollbackCandidateOf(candidate), { request, now })
    : answerEnrolment(candidate, { request, now });
}

interface Asking {
  readonly request: PermitRequest;
  readonly now: FleetInstant;
}

function answerEnrolment(candidate: Candidate, asking: Asking): PermitProposal | NotYet {
  const { enrolment, live, manifest } = candidate;
  if (asking.request.releaseId !== manifest.releaseId) return notYet('no-offer', asking);
  const failing = OFFER_PREDICATES[firstFailing(OFFER_PREDICATES, candidate)];
  if (failing !== undefined) return notYet(NOT_YET_BY_REFUSAL[failing.code], asking, enrolment);
  if (candidate.freezes.length > 0) return notYet('frozen', asking, enrolment);
  if (enrolment?.arm === 'treated') return renewal(candidate, enrolment, asking.now);
  const moment = { pi: live.exposure.pi, now: asking.now };
  if (enrolment !== undefined && !canReEnrol(enrolment, live.rollout.plan, moment)) {
    return notYet('control-arm', asking, enrolment);
  }
  const full = fullCap(candidate);
  return full === undefined ? newEnrolment(candidate, asking) : notYet(full, asking, enrolment);
}

/** A cap that the snapshot already shows to be full costs no round trip; the store decides about all others. */
function fullCap({
  live: { exposure, rollout, charter },
  segment,
}: Candidate): 'cap-full' | 'segment-cap-full' | undefined {
  const cap = Math.min(
    exposure.cap,
    rollout.limitDevices ?? Number.POSITIVE_INFINITY,
    charterCap(charter, exposure.waveIndex),
  );
  if (exposure.granted >= cap) return 'cap-full';
  const own = exposure.segments.find((one) => one.segment === segment);
  return own === undefined || own.granted >= own.cap ? 'segment-cap-full' : undefined;
}

function newEnrolment(candidate: Candidate, { request, now }: Asking): PermitProposal {
  const { live, device, segment, enrolment: former } = candidate;
  const { salt } = live.rollout.plan;
  // Rings are all treated ahead of the prefix; a device that was enrolled by the coin stays with the coin.
  const isRing = candidate.isInRing && former === undefined;
  const { pi } = live.exposure;
  const piBefore = former?.pi ?? 0;
  const isTreated = isRing || armUnitOf(salt, device.deviceId) < pi;
  return proposal(candidate, {
    enrolment: (former?.enrolment ?? 0) + 1,
    kind: 'enrolment',
    segment,
    releaseId: candidate.manifest.releaseId,
    arm: isTreated ? 'treated' : 'control',
    piBefore,
    pi,
    piEffective: isRing ? 1 : (pi - piBefore) / (1 - piBefore),
    isRing,
    isPanel: isPanel(salt, device.deviceId),
    ...factsBefore(candidate, { request, now }),
    grantedAt: now,
  });
}

/** What is known of the days before the coin was tossed; the request itself is a contact of now, and so no part of it. */
function factsBefore({ device }: Candidate, { request, now }: Asking): FactsBefore {
  const crashed = hadCrashBefore(request.crashes);
  const silent = wasSilentBefore(device.status, now);
  return {
    ...(crashed === undefined ? {} : { hadCrashBefore: crashed }),
    ...(silent === undefined ? {} : { wasSilentBefore: silent }),
  };
}

type FactsBefore = Pick<LedgerRow, 'hadCrashBefore' | 'wasSilentBefore'>;

/** For every device in the ledger that is not back: no cap, no coin, one row. */
function answerRollback(candidate: RollbackCandidate | undefined, asking: Asking): PermitProposal | NotYet {
  if (candidate === undefined) return notYet('rollout-not-running', asking);
  if (asking.request.releaseId !== candidate.twin.releaseId) return notYet('no-offer', asking);
  const failing = ROLLBACK_PREDICATES[firstFailing(ROLLBACK_PREDICATES, candidate)];
  if (failing !== undefined) return notYet(NOT_YET_BY_REFUSAL[failing.code], asking, candidate.enrolment);
  if (candidate.freezes.some((one) => one.isIncludingRollback)) return notYet('frozen', asking, candidate.enrolment);
  if (candidate.rollbackRow !== undefined) return renewal(candidate, candidate.rollbackRow, asking.now);
  return proposal(candidate, {
    enrolment: 0,
    kind: 'rollback',
    segment: candidate.enrolment?.segment ?? candidate.segment,
    releaseId: candidate.twin.releaseId,
    arm: 'treated',
    piBefore: 0,
    pi: 1,
    piEffective: 1,
    isRing: false,
    isPanel: false,
    grantedAt: asking.now,
  });
}

type OwnPart = Omit<LedgerRow, 'rolloutId' | 'deviceId' | 'permitId' | 'epoch' | 'permitLifeMs'>;

function proposal({ live, device }: Candidate, own: OwnPart): PermitProposal {
  const { plan, epoch } = live.rollout;
  const { rolloutId, permitLifeMs } = plan;
  const { deviceId } = device;
  const permitId = permitIdOf({ rolloutId, deviceId, kind: own.kind, enrolment: own.enrolment });
  return {
    row: { ...own, rolloutId, deviceId, permitId, epoch, permitLifeMs },
    region: device.attributes.region,
  };
}

/** The same row under the present epoch: the store checks the epoch, notes that the permit lives on, counts nothing. */
function renewal({ live, device }: Candidate, row: LedgerRow, now: FleetInstant): PermitProposal {
  return { row: { ...row, epoch: live.rollout.epoch, grantedAt: now }, region: device.attributes.region };
}

function notYet(code: NotYetCode, { request, now }: Asking, enrolment?: LedgerRow): NotYet {
  const situation = { deviceId: request.deviceId, sequence: request.sequence, now };
  const askAfterMs = askAfter(code, enrolment === undefined ? situation : { ...situation, enrolment });
  return { kind: 'not-yet', code, askAfterMs };
}

/** A device asks for a permit on the strength of an offer: what no offer could have said is told as no offer. */
const NOT_YET_BY_REFUSAL: Readonly<Record<RefusalCode, NotYetCode>> = {
  'no-rollout': 'no-offer',
  'not-in-audience': 'no-offer',
  'hardware-mismatch': 'no-offer',
  'counter-too-low': 'no-offer',
  'already-running': 'no-offer',
  'below-floor': 'no-offer',
  'dependency-missing': 'no-offer',
  'release-withdrawn': 'no-offer',
  'offers-stale': 'no-offer',
  'way-back-barred': 'no-offer',
  'rollout-not-running': 'rollout-not-running',
  'segment-halted': 'segment-halted',
  'wave-not-open': 'wave-not-open',
  'outside-charter': 'outside-charter',
  'scope-paused': 'scope-paused',
  excluded: 'excluded',
};

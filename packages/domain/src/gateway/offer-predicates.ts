// SPDX-License-Identifier: Apache-2.0

import type { Predicate } from '../kernel/predicate.ts';
import { type FleetInstant, instantText } from '../kernel/time.ts';
import { describeAudience, matchAudience } from '../policy/audience-match.ts';
import { describeFreezeTimes, type Freeze, freezeEndsAt } from '../policy/freeze.ts';
import { orderOf } from '../policy/place.ts';
import type { Rollout } from '../policy/rollout.ts';
import { ELIGIBILITY } from '../release/eligibility.ts';
import { barOnWayBack } from '../release/floors.ts';
import { type Candidate, isInPrefix, type RollbackCandidate, thresholdOf } from './candidate.ts';
import { charterFault } from './charter-gate.ts';
import type { RefusalCode } from './check-in.ts';

/**
 * What must hold for an offer of the release, in this order: first what lies in the device, then what lies in the
 * rollout. The later the first that fails, the closer the device came; that one is the reason it is given.
 */
export const OFFER_PREDICATES: readonly Predicate<Candidate, RefusalCode>[] = [
  {
    code: 'not-in-audience',
    claim: 'The device is in the audience of the rollout',
    holds: isInAudience,
    seen: ({ device: { deviceId, attributes }, running }) =>
      `${deviceId}: model ${attributes.model}, hardware ${attributes.hardwareId}, region ${attributes.region}, ` +
      `customer ${attributes.customer}, carrier ${attributes.carrier}, tags ${attributes.tags.join(' ') || 'none'}, ` +
      `version ${running.version}`,
    needed: ({ live }) => describeAudience(live.rollout.plan.audience),
  },
  ...ELIGIBILITY,
  {
    code: 'excluded',
    claim: 'The device is not excluded from all rollouts',
    holds: ({ exclusions }) => exclusions.length === 0,
    seen: ({ exclusions }) => exclusions.map((one) => `${one.exclusionId}: ${one.reason}`).join('; ') || 'not excluded',
    needed: () => 'not excluded',
  },
  {
    code: 'release-withdrawn',
    claim: 'The release has not been withdrawn',
    holds: ({ live }) => live.release.withdrawnAt === undefined,
    seen: ({ live }) => live.release.withdrawnReason ?? 'not withdrawn',
    needed: () => 'not withdrawn',
  },
  {
    code: 'rollout-not-running',
    claim: 'The rollout is running, or complete and open to late joiners',
    holds: ({ live: { rollout } }) => rollout.state === 'running' || rollout.state === 'completed',
    seen: ({ live: { rollout } }) => `${rollout.state}: ${rollout.reason}`,
    needed: () => 'running or completed',
  },
  {
    code: 'segment-halted',
    claim: 'Neither the segment nor the region of the device has been halted',
    holds: ({ live: { rollout }, segment, device }) =>
      !rollout.haltedSegments.includes(segment) && !haltedRegionsOf(rollout).includes(device.attributes.region),
    seen: ({ segment, device }) => `${segment}, region ${device.attributes.region}`,
    needed: ({ live: { rollout } }) => {
      const regions = haltedRegionsOf(rollout).map((one) => `region ${one}`);
      return `not one of: ${[...rollout.haltedSegments, ...regions].join(' ') || 'none'}`;
    },
  },
  {
    code: 'wave-not-open',
    claim: 'The rollout has come to the device: in a ring, in the prefix of the order, or enrolled before',
    holds: isReached,
    seen: (candidate) => {
      const { live, device, isInRing, enrolment, segment } = candidate;
      const order = orderOf(live.rollout.plan.salt, device.deviceId).toFixed(6);
      const known = isSegmentKnown(candidate) ? '' : `, segment ${segment} had no device when the rollout started`;
      return `order ${order}${isInRing ? ', in a ring' : ''}${enrolment === undefined ? '' : ', enrolled'}${known}`;
    },
    needed: ({ live }) => {
      const wave = live.rollout.plan.waves[live.exposure.waveIndex];
      return `order below ${thresholdOf(live).toFixed(6)} or a ring opened by wave ${wave?.name ?? 'none'}`;
    },
  },
  {
    code: 'outside-charter',
    claim: 'What approvers have signed reaches the device: plan, release, place in the order, wave, time',
    holds: (candidate) => faultOf(candidate) === undefined,
    seen: (candidate) => charterText(candidate),
    needed: ({ live }) =>
      live.charter === undefined ? 'nothing: no approvers are installed' : 'a charter that allows it',
  },
  {
    code: 'scope-paused',
    claim: 'Nothing is paused where the device is',
    holds: ({ paused }) => paused.length === 0,
    seen: ({ paused }) => paused.map((one) => one.scope).join(', ') || 'nothing paused',
    needed: () => 'nothing paused',
  },
];

/** Whether a rollout is for the device, as it runs now. */
export function isInAudience({ live, device, running }: Pick<Candidate, 'live' | 'device' | 'running'>): boolean {
  const { deviceId, attributes } = device;
  return matchAudience(live.rollout.plan.audience, { deviceId, attributes, version: running.version });
}

/** A freeze that holds, until when, and why. */
export function freezeText({ freezeId, times, reason }: Freeze, now: FleetInstant): string {
  const rhythm = times.kind === 'weekly' ? ` (${describeFreezeTimes(times)})` : '';
  return `${freezeId} until ${instantText(freezeEndsAt(times, now))}${rhythm}: ${reason}`;
}

/** What must hold for a permit beside all that: an offer may be downloaded during a freeze, and is installed after it. */
export const PERMIT_PREDICATES: readonly Predicate<Candidate, 'frozen'>[] = [
  {
    code: 'frozen',
    claim: 'No freeze holds where the device is',
    holds: ({ freezes }) => freezes.length === 0,
    seen: ({ freezes, now }) => freezes.map((one) => freezeText(one, now)).join('; ') || 'no freeze',
    needed: () => 'no freeze',
  },
];

/**
 * What must hold for an offer of the rollback twin. No cap, no coin, no wave: whoever was given the release and runs it
 * gets the way back. A device that fell back by itself runs the old version under the old counter: it needs no twin, and
 * gets one only if it ever says that it runs the release after all.
 */
export const ROLLBACK_PREDICATES: readonly Predicate<RollbackCandidate, RefusalCode>[] = [
  {
    code: 'rollout-not-running',
    claim: 'The device was given the release: the ledger holds a treated enrolment of it',
    holds: ({ enrolment }) => enrolment?.arm === 'treated',
    seen: ({ enrolment }) =>
      enrolment === undefined ? 'not enrolled' : `${enrolment.arm}, permit ${enrolment.permitId}`,
    needed: () => 'a treated enrolment',
  },
  {
    code: 'hardware-mismatch',
    claim: 'Every component of the twin runs on the hardware of the device',
    holds: ({ twin, hardwareId }) => twin.components.every((one) => one.hardwareIds.includes(hardwareId)),
    seen: ({ hardwareId }) => hardwareId,
    needed: ({ twin }) => twin.components.map((one) => `${one.name}: ${one.hardwareIds.join(' ')}`).join('; '),
  },
  {
    code: 'already-running',
    claim: 'The device is not back yet: its counter is below that of the twin',
    holds: ({ twin, running }) => running.releaseCounter < twin.releaseCounter,
    seen: ({ running }) => `version ${running.version}, counter ${running.releaseCounter}`,
    needed: ({ twin }) => `a counter below ${twin.releaseCounter}`,
  },
  {
    code: 'rollout-not-running',
    claim: 'The device runs the release; one that fell back by itself needs no twin',
    holds: ({ manifest, running }) => running.releaseCounter >= manifest.releaseCounter,
    seen: ({ running }) => `version ${running.version}, counter ${running.releaseCounter}`,
    needed: ({ manifest }) => `counter ${manifest.releaseCounter} or above`,
  },
  {
    code: 'way-back-barred',
    claim: 'No floor that the device has confirmed lies above the bytes of the twin',
    holds: ({ live, running }) => barOnWayBack(live.wayBack, running.releaseCounter) === undefined,
    seen: ({ live }) => (live.wayBack === undefined ? 'no floors' : `bytes of counter ${live.wayBack.contentCounter}`),
    needed({ live, running }) {
      const bar = barOnWayBack(live.wayBack, running.releaseCounter);
      return bar === undefined ? 'any counter' : `counter ${bar.floor} or above, the ${bar.kind} floor`;
    },
  },
  {
    code: 'scope-paused',
    claim: 'No pause that includes rollbacks holds where the device is',
    holds: ({ paused }) => !paused.some((one) => one.isIncludingRollback),
    seen: ({ paused }) => paused.map((one) => one.scope).join(', ') || 'nothing paused',
    needed: () => 'nothing paused including rollbacks',
  },
];

function faultOf({ live, device: { deviceId }, segment, now }: Candidate): ReturnType<typeof charterFault> {
  return charterFault(live.charter, { deviceId, segment }, now);
}

function charterText(candidate: Candidate): string {
  const fault = faultOf(candidate);
  if (fault !== undefined) return `${fault.code}: ${fault.detail}`;
  const standing = candidate.live.charter;
  return standing?.kind === 'valid' ? `charter ${standing.charter.sha256}` : 'no charter';
}

function haltedRegionsOf({ haltedRegions = [] }: Rollout): readonly string[] {
  return haltedRegions.map((one) => one.region);
}

/** Late joiners of a segment that had no device at the start have no cap to count against, so they wait. */
function isReached(candidate: Candidate): boolean {
  if (candidate.enrolment !== undefined) return true;
  return isSegmentKnown(candidate) && (candidate.isInRing || isInPrefix(candidate));
}

function isSegmentKnown({ live, segment }: Candidate): boolean {
  return live.exposure.segments.some((one) => one.segment === segment);
}

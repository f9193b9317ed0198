// SPDX-License-Identifier: Apache-2.0

import type { RolloutId, SegmentId } from '../kernel/ids.ts';
import type { FleetInstant } from '../kernel/time.ts';
import { type AudienceSubject, matchAudience } from '../policy/audience-match.ts';
import { populationOf } from '../policy/exposure.ts';
import { type Exclusion, type Freeze, isExclusionTime, isFreezeTime, type StandingOrders } from '../policy/freeze.ts';
import type { PausedScope, Scope } from '../policy/log.ts';
import { orderOf } from '../policy/place.ts';
import type { Rollout } from '../policy/rollout.ts';
import type { ReleaseManifest, RollbackTwin } from '../release/release.ts';
import type { AskedDevice, RunningSoftware } from './device-record.ts';
import type { LedgerRow } from './ledger.ts';
import type { LiveRollout, PolicySnapshot } from './snapshot.ts';

/** One device before one live rollout, with all that the predicates ask about. */
export interface Candidate {
  readonly live: LiveRollout;
  readonly manifest: ReleaseManifest;
  readonly device: AskedDevice;
  readonly hardwareId: string;
  readonly running: RunningSoftware;
  readonly segment: SegmentId;
  /** Stands in a ring of the waves up to the current one. */
  readonly isInRing: boolean;
  /** The newest enrolment of the device in this rollout, in either arm. */
  readonly enrolment?: LedgerRow;
  /** The row of the rollback twin, if it was permitted before. */
  readonly rollbackRow?: LedgerRow;
  /** Paused scopes that the device lies in. */
  readonly paused: readonly PausedScope[];
  /** Freezes that hold for the device now. */
  readonly freezes: readonly Freeze[];
  /** Exclusions that hold for the device now. */
  readonly exclusions: readonly Exclusion[];
  readonly now: FleetInstant;
}

/** A candidate of a rollout that takes its release back by the rollback twin. */
export interface RollbackCandidate extends Candidate {
  readonly twin: RollbackTwin;
}

/** The device before the rollout; what it runs is what it says now, not what the registry remembers. */
export function candidateOf(
  snapshot: PolicySnapshot,
  live: LiveRollout,
  { device, running, now }: CandidateFacts,
): Candidate {
  const { rolloutId, segmentBy } = live.rollout.plan;
  const { record } = device;
  const enrolment = newest(device.ledger, rolloutId, 'enrolment');
  const rollbackRow = newest(device.ledger, rolloutId, 'rollback');
  const candidate: Candidate = {
    live,
    manifest: live.release.manifest,
    device: record,
    hardwareId: record.attributes.hardwareId,
    running,
    // Attribute values are parsed by the same pattern as ids: this is the constructor of a segment.
    segment: record.attributes[segmentBy] as SegmentId,
    isInRing: isInRing(live, record),
    paused: pausedAround(snapshot, record),
    ...ordersFor(snapshot.orders, { device, running, now }),
    now,
  };
  // Most devices have no row in most rollouts: they are not copied for it.
  if (enrolment === undefined && rollbackRow === undefined) return candidate;
  return {
    ...candidate,
    ...(enrolment === undefined ? {} : { enrolment }),
    ...(rollbackRow === undefined ? {} : { rollbackRow }),
  };
}

/** What holds for the device now of the orders over all rollouts; mostly there are none, and nothing is paid. */
function ordersFor({ freezes, exclusions }: StandingOrders, { device, running, now }: CandidateFacts) {
  if (freezes.length === 0 && exclusions.length === 0) return NO_ORDERS;
  const subject: AudienceSubject = { ...device.record, version: running.version };
  return {
    freezes: freezes.filter((one) => isFreezeTime(one.times, now) && matchAudience(one.audience, subject)),
    exclusions: exclusions.filter((one) => isExclusionTime(one, now) && matchAudience(one.of, subject)),
  };
}

const NO_ORDERS: Pick<Candidate, 'freezes' | 'exclusions'> = { freezes: [], exclusions: [] };

/** The device, what it says it runs, and when it asks. */
export interface CandidateFacts {
  readonly device: { readonly record: AskedDevice; readonly ledger: readonly LedgerRow[] };
  readonly running: RunningSoftware;
  readonly now: FleetInstant;
}

/** The same as a candidate for the way back, if the rollout goes back and its release has a twin. */
export function rollbackCandidateOf(candidate: Candidate): RollbackCandidate | undefined {
  const { live, device, manifest } = candidate;
  const { rollbackTwin: twin } = manifest;
  return twin !== undefined && goesBackIn(live.rollout, device.attributes.region) ? { ...candidate, twin } : undefined;
}

/** The whole rollout goes back, or the region alone while the others go on. */
export function goesBackIn({ state, haltedRegions = [] }: Rollout, region: string): boolean {
  if (state === 'rolling-back' || state === 'rolled-back') return true;
  const isLive = state === 'running' || state === 'completed';
  return isLive && haltedRegions.some((one) => one.region === region && one.isRollingBack);
}

/**
 * The share of the hash order that may download, in [0, 1]: the same in each segment, so that each has its random sample.
 * Zero while only rings are open; one once the rollout is complete.
 */
export function thresholdOf(live: LiveRollout): number {
  const { exposure, rollout } = live;
  if (exposure.isComplete || rollout.state === 'completed') return 1;
  const wave = rollout.plan.waves[exposure.waveIndex];
  const population = populationOf(exposure);
  if (wave === undefined || wave.exposurePermille === 0 || population === 0) return 0;
  return Math.min(1, exposure.downloadsAllowed / population);
}

/** Whether the device's place in the order lies below the threshold. */
export function isInPrefix({ live, device }: Candidate): boolean {
  const threshold = thresholdOf(live);
  // The place costs a hash, and is below 1 and not below 0 in any case.
  if (threshold <= 0 || threshold >= 1) return threshold >= 1;
  return orderOf(live.rollout.plan.salt, device.deviceId) < threshold;
}

function isInRing({ rollout, exposure }: LiveRollout, { attributes: { tags } }: AskedDevice): boolean {
  if (tags.length === 0) return false;
  const { waves } = rollout.plan;
  for (let index = 0; index <= exposure.waveIndex && index < waves.length; index++) {
    const ringTags = waves[index]?.ringTags ?? [];
    if (ringTags.length > 0 && ringTags.some((tag) => tags.includes(tag))) return true;
  }
  return false;
}

function pausedAround({ pausedScopes }: PolicySnapshot, record: AskedDevice): readonly PausedScope[] {
  return pausedScopes.length === 0 ? pausedScopes : pausedScopes.filter((one) => isInScope(one.scope, record));
}

function isInScope(scope: Scope, { attributes }: AskedDevice): boolean {
  return scope === 'global' || scope === `region:${attributes.region}`;
}

function newest(rows: readonly LedgerRow[], rolloutId: RolloutId, kind: LedgerRow['kind']): LedgerRow | undefined {
  let best: LedgerRow | undefined;
  for (const row of rows) {
    if (row.rolloutId !== rolloutId || row.kind !== kind) continue;
    if (best === undefined || row.enrolment > best.enrolment) best = row;
  }
  return best;
}

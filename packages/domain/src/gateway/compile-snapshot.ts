// SPDX-License-Identifier: Apache-2.0
import type { Delta } from '../delta/delta.ts';
import type { ReleaseId, RolloutId, Sha256 } from '../kernel/ids.ts';
import type { CharterStanding } from '../policy/charter.ts';
import type { Exposure } from '../policy/exposure.ts';
import type { Policy } from '../policy/fold.ts';
import type { Rollout, RolloutState } from '../policy/rollout.ts';
import type { WayBack } from '../release/floors.ts';
import type { PublishedRelease, ReleaseManifest } from '../release/release.ts';
import type { LiveRollout, PolicySnapshot } from './snapshot.ts';

/** What a snapshot is compiled from; releases and deltas of rollouts that are not live may be left out. */
export interface SnapshotSources {
  readonly policy: Policy;
  readonly releases: readonly PublishedRelease[];
  readonly deltas: readonly Delta[];
  readonly exposures: readonly Exposure[];
  /** What is known of the charter of a live rollout; undefined where no approvers are installed. */
  readonly charterOf?: (rollout: Rollout, release: PublishedRelease) => CharterStanding | undefined;
  /** What was signed of the ways back of these releases; undefined where there are no repositories. */
  readonly waysBack?: ReadonlyMap<ReleaseId, WayBack>;
}

/**
 * Joins policy, catalogue, deltas and caps for answering. Its work grows with rollouts and releases, never with devices:
 * creating or widening a rollout is O(1) in the fleet. A live rollout whose release or exposure has not been read yet is
 * left out until it has: no offer is the safe answer.
 */
export function compileSnapshot(sources: SnapshotSources): PolicySnapshot {
  const { policy } = sources;
  const releases = new Map(sources.releases.map((one) => [one.manifest.releaseId, one]));
  const exposures = new Map(sources.exposures.map((one) => [one.rolloutId, one]));
  const deltasTo = groupByTarget(sources.deltas);
  const rollouts = new Map<RolloutId, LiveRollout>();
  const byDeviceType = new Map<string, LiveRollout[]>();
  for (const rollout of newestFirst(policy)) {
    const live = liveRollout(rollout, {
      releases,
      exposures,
      deltasTo,
      charterOf: sources.charterOf,
      waysBack: sources.waysBack,
    });
    if (live === undefined) continue;
    const { rolloutId, deviceType } = rollout.plan;
    rollouts.set(rolloutId, live);
    byDeviceType.set(deviceType, [...(byDeviceType.get(deviceType) ?? []), live]);
  }
  return {
    revision: policy.revision,
    pausedScopes: policy.pausedScopes,
    orders: policy.orders,
    rolloutsByDeviceType: byDeviceType,
    rollouts,
  };
}

/** Whether the snapshot holds rollouts of this state. A rolled-back one still takes back the device that slept through it. */
export const IS_LIVE: Readonly<Record<RolloutState, boolean>> = {
  draft: false,
  approved: false,
  running: true,
  paused: true,
  halted: true,
  'rolling-back': true,
  'rolled-back': true,
  completed: true,
  cancelled: false,
};

interface Lookups {
  readonly releases: ReadonlyMap<ReleaseId, PublishedRelease>;
  readonly exposures: ReadonlyMap<RolloutId, Exposure>;
  readonly deltasTo: ReadonlyMap<Sha256, readonly Delta[]>;
  readonly charterOf: SnapshotSources['charterOf'];
  readonly waysBack: SnapshotSources['waysBack'];
}

function liveRollout(rollout: Rollout, lookups: Lookups): LiveRollout | undefined {
  if (!IS_LIVE[rollout.state]) return undefined;
  const release = lookups.releases.get(rollout.plan.releaseId);
  const exposure = lookups.exposures.get(rollout.plan.rolloutId);
  if (release === undefined || exposure === undefined) return undefined;
  const imageDigests = imagesOf(release.manifest);
  const deltas = imageDigests.flatMap((digest) => lookups.deltasTo.get(digest) ?? []);
  const charter = lookups.charterOf?.(rollout, release);
  const wayBack = lookups.waysBack?.get(rollout.plan.releaseId);
  return {
    ...{ rollout, release, exposure, deltas, imageDigests },
    ...(charter === undefined ? {} : { charter }),
    ...(wayBack === undefined ? {} : { wayBack }),
  };
}

/** The digest of every image of the release and of its twin, once. */
export function imagesOf(manifest: ReleaseManifest): readonly Sha256[] {
  const components = [...manifest.components, ...(manifest.rollbackTwin?.components ?? [])];
  return [...new Set(components.map((one) => one.image.digest))];
}

function newestFirst(policy: Policy): readonly Rollout[] {
  return [...policy.rollouts.values()].reverse();
}

function groupByTarget(deltas: readonly Delta[]): ReadonlyMap<Sha256, readonly Delta[]> {
  const found = new Map<Sha256, Delta[]>();
  for (const delta of deltas) {
    const others = found.get(delta.toDigest);
    if (others === undefined) found.set(delta.toDigest, [delta]);
    else others.push(delta);
  }
  return found;
}

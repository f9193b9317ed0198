// SPDX-License-Identifier: Apache-2.0
import type { Delta } from '../delta/delta.ts';
import type { Revision, RolloutId, Sha256 } from '../kernel/ids.ts';
import type { CharterStanding } from '../policy/charter.ts';
import type { Exposure } from '../policy/exposure.ts';
import type { StandingOrders } from '../policy/freeze.ts';
import type { PausedScope } from '../policy/log.ts';
import type { Rollout } from '../policy/rollout.ts';
import type { WayBack } from '../release/floors.ts';
import type { PublishedRelease } from '../release/release.ts';

/** The policy compiled for answering: everything a check-in or a permit needs beside the device itself. */
export interface PolicySnapshot {
  readonly revision: Revision;
  readonly pausedScopes: readonly PausedScope[];
  /** Freezes and exclusions, over all rollouts. */
  readonly orders: StandingOrders;
  /** Live rollouts (running, paused, halted, rolling back, rolled back, completed), newest first, by device type. */
  readonly rolloutsByDeviceType: ReadonlyMap<string, readonly LiveRollout[]>;
  readonly rollouts: ReadonlyMap<RolloutId, LiveRollout>;
}

/** One rollout with all it refers to. */
export interface LiveRollout {
  readonly rollout: Rollout;
  readonly release: PublishedRelease;
  readonly exposure: Exposure;
  /** All deltas whose `toDigest` is an image of the release or of its rollback twin. */
  readonly deltas: readonly Delta[];
  /** For each image digest of the release and twin: digest of its block list blob is in the manifest. */
  readonly imageDigests: readonly Sha256[];
  /** Absent where no approvers are installed: then nothing is asked for. */
  readonly charter?: CharterStanding;
  /** What bars its way back; absent where no floor was ever signed. */
  readonly wayBack?: WayBack;
}

// SPDX-License-Identifier: Apache-2.0
import type { Revision } from '../kernel/ids.ts';
import type { FleetInstant } from '../kernel/time.ts';
import type { Audience } from './audience.ts';

/**
 * A name for an audience. Devices come into it and leave it by their attributes and tags; what the name means changes by people
 * alone. A rollout, freeze or exclusion made with it takes a copy: what was approved or signed does not change with the name.
 */
export interface Group {
  readonly groupId: string;
  readonly audience: Audience;
  readonly reason: string;
  /** Of the policy, when the group was last set: a change of it names the one it was made from. */
  readonly revision: Revision;
  readonly at: FleetInstant;
  readonly by: string;
}

/** Groups that are kept: people choose from a list, and each lies in the memory of every server. */
export const GROUPS_MAX = 500;

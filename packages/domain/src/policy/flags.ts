// SPDX-License-Identifier: Apache-2.0
import type { DeviceId, Revision } from '../kernel/ids.ts';
import type { FleetInstant } from '../kernel/time.ts';
import type { Rollout } from './rollout.ts';

/**
 * What a person says against a rollout. Nobody drew by lot who speaks up, so it is no evidence: it never counts in a test and
 * never halts. It can pause, which one person takes back with a reason, and it is shown wherever the rollout is.
 */
export interface Flag {
  readonly severity: 'note' | 'safety';
  readonly reason: string;
  /** The driver of this device told it, by the device itself or by a call that an operator took. Absent: the operator speaks. */
  readonly deviceId?: DeviceId;
  /** Whether that device had been permitted to install. Absent for an operator. */
  readonly isTreated?: boolean;
  /** An operator speaks of this region alone: a safety flag has paused the region, and not the rollout. Absent: of all. */
  readonly region?: string;
}

/** A flag as it was recorded. */
export interface RecordedFlag extends Flag {
  readonly revision: Revision;
  readonly at: FleetInstant;
  readonly by: string;
}

/** Flags in numbers, as they stand beside a decision. */
export interface FlagCount {
  readonly operators: number;
  /** Distinct treated devices whose drivers spoke up, since the last resume. */
  readonly drivers: number;
}

/** Two: one driver may be mistaken, or be a thief with one key; the second of a rollout is looked at. */
export const DRIVER_FLAGS_TO_PAUSE_DEFAULT = 2;

/** A rollout against which so many people have spoken does not need another flag, it needs somebody to halt it. */
export const FLAGS_MAX = 500;

/** Whether a rollout that gives out permits stops with this flag, on top of those that it has. */
export function pausesWith(rollout: Rollout, flag: Flag): boolean {
  if (flag.deviceId === undefined) return flag.severity === 'safety' && flag.region === undefined;
  if (flag.isTreated !== true) return false;
  return driversOf(rollout) + 1 >= (rollout.plan.driverFlagsToPause ?? DRIVER_FLAGS_TO_PAUSE_DEFAULT);
}

/** Flags in numbers; undefined: there are none. */
export function flagCountOf(rollout: Rollout): FlagCount | undefined {
  const { flags } = rollout;
  if (flags === undefined) return undefined;
  return { operators: flags.filter((one) => one.deviceId === undefined).length, drivers: driversOf(rollout) };
}

/** Each device is in the list once (`decideChange`); whoever resumed has seen those of before. */
function driversOf({ flags = [], flagsSeenTo }: Rollout): number {
  const isNew = (one: RecordedFlag) => flagsSeenTo === undefined || one.revision > flagsSeenTo;
  return flags.filter((one) => one.isTreated === true && isNew(one)).length;
}

// SPDX-License-Identifier: Apache-2.0
import type { DeviceId } from '../kernel/ids.ts';
import type { FleetInstant } from '../kernel/time.ts';
import type { RecordedFlag } from '../policy/flags.ts';
import type { Rollout } from '../policy/rollout.ts';

/** What people have ordered or said about a rollout, beside the rule: made short, with whole counts. */
export interface OrdersOverview {
  /** Halted last first, at most `REGIONS_SHOWN_MAX`. */
  readonly regions: readonly RegionOverview[];
  readonly regionCount: number;
  /** Devices whose reports are in no count. */
  readonly excludedCount: number;
  /** The newest first, at most `FLAGS_SHOWN_MAX`. */
  readonly flags: readonly FlagOverview[];
  readonly flagCount: number;
  /** Of them, those of drivers. */
  readonly driverFlagCount: number;
  /** A person's ceiling; absent: there is none. */
  readonly limitDevices?: number;
}

/** A region that gets nothing more of the release. */
export interface RegionOverview {
  readonly region: string;
  readonly isRollingBack: boolean;
  /** Eligible devices there when it was halted. */
  readonly population: number;
}

/** One flag, in its person's words. */
export interface FlagOverview {
  readonly severity: RecordedFlag['severity'];
  readonly at: FleetInstant;
  readonly by: string;
  readonly reason: string;
  readonly deviceId?: DeviceId;
  readonly region?: string;
}

/** Halted regions of one rollout in one overview. */
export const REGIONS_SHOWN_MAX = 32;
/** Flags of one rollout in one overview: the newest are those that somebody has to answer. */
export const FLAGS_SHOWN_MAX = 8;

/** Undefined while nobody has ordered or said anything. */
export function ordersOf(rollout: Rollout): OrdersOverview | undefined {
  const { haltedRegions = [], excludedDevices = [], flags = [], limitDevices } = rollout;
  const isAny = haltedRegions.length + excludedDevices.length + flags.length > 0 || limitDevices !== undefined;
  if (!isAny) return undefined;
  return {
    regions: haltedRegions
      .slice(-REGIONS_SHOWN_MAX)
      .reverse()
      .map(({ region, isRollingBack, populations }) => {
        return { region, isRollingBack, population: populations.reduce((sum, one) => sum + one.population, 0) };
      }),
    regionCount: haltedRegions.length,
    excludedCount: excludedDevices.length,
    flags: flags
      .slice(-FLAGS_SHOWN_MAX)
      .reverse()
      .map(({ revision: _, isTreated: __, ...flag }) => flag),
    flagCount: flags.length,
    driverFlagCount: flags.filter((one) => one.deviceId !== undefined).length,
    ...(limitDevices === undefined ? {} : { limitDevices }),
  };
}

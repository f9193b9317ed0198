// SPDX-License-Identifier: Apache-2.0
import type { DeviceId, RolloutId, SegmentId, Sha256 } from '../kernel/ids.ts';
import type { Result } from '../kernel/result.ts';
import type { FleetInstant } from '../kernel/time.ts';
import type { DeviceAttributes } from '../policy/attributes.ts';
import type { AttributeName } from '../policy/audience.ts';
import type { UnderRequest } from '../trust/audit.ts';
import type { Reach } from '../trust/reach.ts';
import type { AppliedImport, DeviceImport, DeviceImportError, ExpectedDevice } from './device-import.ts';
import type { DeviceRecord } from './device-record.ts';
import type { DeviceStanding } from './explain-rollout.ts';
import type { DeviceQuery } from './query.ts';
import type { TagChange } from './tag-change.ts';

/** Finds devices in the registry; every answer agrees with `matchQuery`. */
export interface DeviceFinder {
  /** A page of the devices asked for, ascending by id, with ids above `after`. */
  findDevices(
    query: DeviceQuery,
    page: { readonly after?: DeviceId; readonly limit: number; readonly now: FleetInstant },
  ): Promise<readonly FoundDevice[]>;
  /** How many there are: exactly where the query asks for what devices share, else exactly up to `COUNTED_DEVICES_MAX`. */
  countDevices(query: DeviceQuery, now: FleetInstant): Promise<DeviceCount>;
  /** How many there are in each segment; of a query about what devices share alone (`isAboutProfiles`). */
  countSegments(
    query: DeviceQuery,
    by: { readonly segmentBy: AttributeName; readonly ringTags: readonly string[] },
  ): Promise<readonly SegmentCount[]>;
  /**
   * About how many devices of a type run which image. Devices alike in all that is asked for by queries run the same image, mostly: of
   * many of them some are looked at, so that the time does not grow with the fleet. In any order.
   */
  countImages(deviceType: string): Promise<readonly ImageCount[]>;
  /** A page of all devices of a type, ascending by id, each with what came of its newest rows about the rollout. */
  loadStandings(
    rolloutId: RolloutId,
    page: { readonly deviceType: string; readonly after?: DeviceId; readonly limit: number },
  ): Promise<readonly DeviceStanding[]>;
}

/** A device as the registry holds it, with the revision of its attributes: what an import must have seen. */
export interface FoundDevice {
  readonly record: DeviceRecord;
  readonly attributesRevision: number;
}

/** Devices that share one value of the attribute that a rollout is divided by; in any order, none without a device. */
export interface SegmentCount {
  readonly segment: SegmentId;
  readonly devices: number;
  /** Those with one of the tags. */
  readonly ringDevices: number;
}

/** Devices that say they run this image in this component. */
export interface ImageCount {
  readonly component: string;
  readonly digest: Sha256;
  readonly devices: number;
}

/** A count that says whether it is one. */
export interface DeviceCount {
  readonly devices: number;
  /** False: there are at least so many. */
  readonly isExact: boolean;
}

/**
 * Devices are counted one by one up to here when a query asks for ids or contacts: in the order of ten milliseconds. What
 * people decide does not hang on whether it is ten thousand or eleven.
 */
export const COUNTED_DEVICES_MAX = 10_000;

/** Takes in what people know of devices: those that will come, and new attributes of those that are there. */
export interface DeviceImporter {
  /**
   * One batch, all or nothing of it durable, each line decided by `decideImport` against what is stored. With `isDryRun`
   * the same answers and no change. Of two lines about one device the second is refused. What it changes is in the audit log
   * (see `importNote`) when it returns.
   */
  importDevices(
    lines: readonly DeviceImport[],
    context: {
      readonly now: FleetInstant;
      readonly author: string;
      /** Of the management API, for the audit log. */
      readonly request?: UnderRequest;
      readonly isDryRun: boolean;
      /** How far whoever imports reaches. Absent: everywhere. */
      readonly reach?: Reach;
      /** What people changed, where it was tags alone: the audit log says that. */
      readonly tagged?: TagChange;
    },
  ): Promise<readonly Result<AppliedImport, DeviceImportError>[]>;
  /** A page of the devices that were announced and have not registered, ascending by id. */
  listExpected(page: { readonly after?: DeviceId; readonly limit: number }): Promise<readonly ExpectedDevice[]>;
  /** Changes of attributes after `position`, ascending: what gateways follow. */
  loadAttributeChanges(page: {
    readonly afterPosition: number;
    readonly limit: number;
  }): Promise<readonly AttributeChange[]>;
  /** Position of the newest change of attributes; zero before the first. */
  lastAttributeChange(): Promise<number>;
}

/** The attributes of a registered device were changed by an import. */
export interface AttributeChange {
  readonly position: number;
  readonly deviceId: DeviceId;
  readonly attributes: DeviceAttributes;
}

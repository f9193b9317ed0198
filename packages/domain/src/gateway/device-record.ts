// SPDX-License-Identifier: Apache-2.0
import type { DeviceId, ReleaseCounter, Sha256 } from '../kernel/ids.ts';
import type { FleetInstant } from '../kernel/time.ts';
import type { DeviceAttributes } from '../policy/attributes.ts';
import type { PublicKey } from '../trust/envelope.ts';
import type { ContactHistory } from './contact-history.ts';
import type { LedgerRow } from './ledger.ts';

/** What the registry holds of one device: identity and attributes, then the last state it told. */
export interface DeviceRecord {
  readonly deviceId: DeviceId;
  readonly publicKey: PublicKey;
  readonly attributes: DeviceAttributes;
  readonly registeredAt: FleetInstant;
  readonly status: DeviceStatus;
}

/** A device as far as the conditions of an offer ask about it: what a sweep over the fleet reads of each. */
export interface AskedDevice extends Pick<DeviceRecord, 'deviceId' | 'attributes'> {
  readonly status: Pick<DeviceStatus, 'lastContactAt' | 'running' | 'state'>;
}

/** What a device last told of itself. */
export interface DeviceStatus {
  /** Of the newest check-in; an older one never overwrites. Zero before the first. */
  readonly sequence: number;
  readonly lastContactAt: FleetInstant;
  /** Contacts before that one; absent where it was last heard of by a server that kept none. */
  readonly contactHistory?: ContactHistory;
  readonly running: RunningSoftware;
  readonly state: ReportedState;
}

/** What a device says it runs. */
export interface RunningSoftware {
  readonly version: string;
  readonly releaseCounter: ReleaseCounter;
  readonly components: readonly RunningComponent[];
}

/** One component of what a device runs, named by the digest of its image. */
export interface RunningComponent {
  readonly name: string;
  readonly digest: Sha256;
  /** SemVer; told of components outside the bundle, so that releases can depend on them. */
  readonly version?: string;
}

/** The states of the device's own machine (domain/device), as it reports them. */
export type ReportedState =
  | 'idle'
  | 'checking'
  | 'available'
  | 'downloading'
  | 'downloaded'
  | 'permitted'
  | 'installing'
  | 'installed'
  | 'verified'
  | 'failed'
  | 'deferred'
  | 'reverted';

/** The states that devices tell, to look one up by its text: one forgotten is a compile error. */
export const REPORTED_STATES: Readonly<Record<ReportedState, true>> = {
  idle: true,
  checking: true,
  available: true,
  downloading: true,
  downloaded: true,
  permitted: true,
  installing: true,
  installed: true,
  verified: true,
  failed: true,
  deferred: true,
  reverted: true,
};

/** A device with its rows in all ledgers, ascending by position: what the two answers need. */
export interface KnownDevice {
  readonly record: DeviceRecord;
  readonly ledger: readonly LedgerRow[];
}

// SPDX-License-Identifier: Apache-2.0
import type { DeviceId, Epoch, PermitId, Revision, RolloutId } from '../kernel/ids.ts';
import type { Result } from '../kernel/result.ts';
import type { FleetInstant } from '../kernel/time.ts';
import type { Scope } from '../policy/log.ts';
import type { DeviceRecord, DeviceStatus, KnownDevice } from './device-record.ts';
import type { LedgerOutcome, LedgerRow } from './ledger.ts';
import type { NotYetCode } from './permit.ts';
import type { StoredReport } from './report.ts';

/** The registry of devices. */
export interface Registry {
  /** Registers new devices; one that exists with the same key is left as it is, with another key it is refused. */
  register(devices: readonly DeviceRecord[]): Promise<readonly Result<DeviceRecord, { readonly code: 'device-key-differs' }>[]>;
  /** One batched read: the devices that exist, with their ledger rows, in any order. */
  loadDevices(deviceIds: readonly DeviceId[]): Promise<readonly KnownDevice[]>;
  /** One batched write; a status whose sequence is not newer than the stored one changes nothing. */
  storeStatuses(updates: readonly { readonly deviceId: DeviceId; readonly status: DeviceStatus }[]): Promise<void>;
  /** Pages through the registry by device id, ascending, for lists, exports and population counts. */
  listDevices(page: { readonly after?: DeviceId; readonly limit: number }): Promise<readonly DeviceRecord[]>;
}

/** What `answerPermit` proposed; the store decides. */
export interface PermitProposal {
  readonly row: LedgerRow;
  readonly region: string;
}

export type PermitCommit =
  | { readonly kind: 'committed'; readonly row: LedgerRow }
  | { readonly kind: 'refused'; readonly code: Extract<NotYetCode, 'cap-full' | 'segment-cap-full' | 'epoch-moved' | 'rollout-not-running' | 'scope-paused' | 'segment-halted' | 'already-enrolled'> };

/** The permit ledger: append-only. */
export interface Ledger {
  /**
   * One server-side statement for the whole batch: scope and rollout still at the proposal's epoch and not paused
   * (shared lock), `granted + 1 <= cap` overall and in the segment, the row. Durable when it returns. A row that exists
   * already (same rollout, device, kind, enrolment) is answered with the existing row, not counted again.
   * A control row takes nothing from the cap but needs it open. A rollback row needs no cap.
   */
  commitPermits(proposals: readonly PermitProposal[]): Promise<readonly PermitCommit[]>;
  /** Rows after `position`, ascending, at most `limit`. */
  loadRows(rolloutId: RolloutId, page: { readonly afterPosition: number; readonly limit: number }): Promise<readonly LedgerOutcome[]>;
  /** Treated rows of these scopes whose permit has not expired at `now` and that have no verified, reverted or failed. */
  loadOpenPermits(scope: Scope | `rollout:${string}`, now: FleetInstant): Promise<readonly OpenPermit[]>;
  /** Sets `firstContactAt` where it is absent and `at` is later than one hour after the grant. One batched write. */
  noteContacts(contacts: readonly { readonly deviceId: DeviceId; readonly at: FleetInstant }[]): Promise<void>;
}

export interface OpenPermit {
  readonly permitId: PermitId;
  readonly deviceId: DeviceId;
  readonly rolloutId: RolloutId;
  readonly epoch: Epoch;
  readonly expiresAt: FleetInstant;
}

/** The durable log of what devices reported. */
export interface ReportLog {
  /**
   * Appends signed reports and, in the same transaction, sets the outcome instants of the matching ledger rows where
   * still absent. A (device, sequence) that exists already changes nothing. Answers for each: counted, duplicate, or
   * unmatched (no ledger row: stored, never counted).
   */
  appendReports(reports: readonly (StoredReport & { readonly signedBody: string; readonly signature: string })[]): Promise<readonly ('counted' | 'duplicate' | 'unmatched')[]>;
  loadReports(rolloutId: RolloutId, page: { readonly afterPosition: number; readonly limit: number }): Promise<readonly (StoredReport & { readonly position: number })[]>;
}

/** Images, deltas and block lists by digest: immutable, never overwritten. */
export interface BlobReader {
  /** Size in bytes, or undefined when there is no such blob. */
  sizeOf(digest: string): Promise<number | undefined>;
  /** Bytes [start, end] of a blob that exists, as a stream of chunks. */
  read(digest: string, range?: { readonly start: number; readonly end: number }): AsyncIterable<Uint8Array>;
}

export interface Revisioned {
  readonly revision: Revision;
}

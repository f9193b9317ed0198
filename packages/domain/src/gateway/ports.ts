// SPDX-License-Identifier: Apache-2.0
import type { Bytes, DeviceId, Epoch, PermitId, Revision, RolloutId, Sha256 } from '../kernel/ids.ts';
import type { Result } from '../kernel/result.ts';
import type { FleetInstant } from '../kernel/time.ts';
import type { Scope } from '../policy/log.ts';
import type { AuditNote } from '../trust/audit.ts';
import type { AdmissionWorld, RegistrationRefusalCode } from './admit-registration.ts';
import type { DeviceRecord, DeviceStatus, KnownDevice, ReportedState } from './device-record.ts';
import type { HourCount, LedgerOutcome, LedgerRow } from './ledger.ts';
import type { NotYetCode } from './permit.ts';
import type { StoredReport, TakenReport } from './report.ts';
import type { KeptManifests } from './version-manifest.ts';

/** The registry of devices. */
export interface Registry {
  /**
   * Registers devices as `admitRegistrations` says: all or each by its own right, the uses of tokens counted in the same
   * transaction. Without a world each is admitted by the token of the fleet. Answers with each device as it is now.
   */
  register(
    devices: readonly DeviceRecord[],
    world?: AdmissionWorld,
  ): Promise<readonly Result<DeviceRecord, { readonly code: RegistrationRefusalCode }>[]>;
  /** One batched read: the devices that exist, with their ledger rows, in any order. */
  loadDevices(deviceIds: readonly DeviceId[]): Promise<readonly KnownDevice[]>;
  /** One batched write; a status whose sequence is not newer than the stored one changes nothing. */
  storeStatuses(updates: readonly { readonly deviceId: DeviceId; readonly status: DeviceStatus }[]): Promise<void>;
  /** The same of devices that told nothing new: `running` and `state` stay as they are stored. */
  storeContacts(contacts: ContactColumns): Promise<void>;
  /** Pages through the registry by device id, ascending, for lists, exports and population counts. */
  listDevices(page: { readonly after?: DeviceId; readonly limit: number }): Promise<readonly DeviceRecord[]>;
  /** How many devices last told each state, over the whole registry; a state that nobody is in may be absent. */
  countStates(): Promise<ReadonlyMap<ReportedState, number>>;
}

/** Contacts as columns of equal length, in any order; a device may be in them more than once. */
export interface ContactColumns {
  readonly deviceIds: readonly DeviceId[];
  readonly sequences: readonly number[];
  readonly lastContactsAt: readonly FleetInstant[];
  /** Of the history that the contact is the last one of. */
  readonly since: readonly FleetInstant[];
  readonly slots: readonly number[];
}

/** What `answerPermit` proposed; the store decides. */
export interface PermitProposal {
  readonly row: LedgerRow;
  readonly region: string;
}

/** What the store made of a proposal: the row that holds, or why there is none. */
export type PermitCommit =
  | { readonly kind: 'committed'; readonly row: LedgerRow }
  | {
      readonly kind: 'refused';
      readonly code: Extract<
        NotYetCode,
        | 'cap-full'
        | 'segment-cap-full'
        | 'epoch-moved'
        | 'rollout-not-running'
        | 'scope-paused'
        | 'segment-halted'
        | 'already-enrolled'
      >;
    };

/** The permit ledger: append-only. */
export interface Ledger {
  /**
   * One server-side statement for the whole batch: scope and rollout still at the proposal's epoch and not paused
   * (shared lock), `granted + 1 <= cap` overall and in the segment, the row. Durable when it returns. A row that exists
   * already (same rollout, device, kind, enrolment) is answered with the existing row, not counted again.
   * A control row takes nothing from the cap but needs it open. A rollback row needs no cap. A first enrolment follows
   * none, each later one the control row before it; anything else is `already-enrolled`. The row that is answered is the
   * one that holds: its `grantedAt` may lie a millisecond after the caller's now (see `loadRowsTouched`).
   */
  commitPermits(proposals: readonly PermitProposal[]): Promise<readonly PermitCommit[]>;
  /** Rows after `position`, ascending, at most `limit`. */
  loadRows(
    rolloutId: RolloutId,
    page: { readonly afterPosition: number; readonly limit: number },
  ): Promise<readonly LedgerOutcome[]>;
  /**
   * The rows that can matter to evidence in the half-open interval (afterMs, upTo]: granted in it, or with an outcome
   * instant in it, or with one of `windowsMs` closing in it; ascending by position. It first closes the interval:
   * whatever the store takes in later is stamped after `upTo`, so that no instant ever falls into an interval that was
   * counted already. A commit that is under way is waited for.
   */
  loadRowsTouched(
    rolloutId: RolloutId,
    interval: { readonly afterMs: FleetInstant | -1; readonly upTo: FleetInstant },
    windowsMs: readonly number[],
  ): Promise<readonly LedgerOutcome[]>;
  /**
   * Treated rows of these scopes whose permit, or its last renewal, has not expired at `now`, and that have no verified,
   * reverted or failed since.
   */
  loadOpenPermits(scope: Scope | `rollout:${string}`, now: FleetInstant): Promise<readonly OpenPermit[]>;
  /** All enrolments of a rollout, counted where they lie: for the history that base rates are proposed from. In any order. */
  countByHour(rolloutId: RolloutId): Promise<readonly HourCount[]>;
  /** Notes each contact on the rows of its device, as `withContact` does: the first of each stretch. One batched write. */
  noteContacts(contacts: readonly { readonly deviceId: DeviceId; readonly at: FleetInstant }[]): Promise<void>;
}

/** A device that may still install: what a pause cannot take back, only name. */
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
   * unmatched (no ledger row: stored, never counted). What is `kept` of a new report replaces what was kept of its device
   * by an earlier sequence.
   */
  appendReports(reports: readonly TakenReport[]): Promise<readonly ('counted' | 'duplicate' | 'unmatched')[]>;
  /** What is kept of the manifests of a device; undefined: nothing yet. */
  loadKeptManifests(deviceId: DeviceId): Promise<KeptManifests | undefined>;
  /** Forgets the TPM of a device, so that its next quote enrols one; false: none was enrolled. A note goes into the audit log with it. */
  forgetTpm(deviceId: DeviceId, note: AuditNote): Promise<boolean>;
  /** Reports about a rollout after `position`, ascending, at most `limit`; with `deviceIds`, of these devices alone. */
  loadReports(
    rolloutId: RolloutId,
    page: { readonly afterPosition: number; readonly limit: number; readonly deviceIds?: readonly DeviceId[] },
  ): Promise<readonly (StoredReport & { readonly position: number })[]>;
}

/** Images, deltas and block lists by digest: immutable, never overwritten. */
export interface BlobReader {
  /** Size in bytes, or undefined when there is no such blob. */
  sizeOf(digest: string): Promise<number | undefined>;
  /** Bytes [start, end] of a blob that exists, as a stream of chunks. */
  read(digest: string, range?: { readonly start: number; readonly end: number }): AsyncIterable<Uint8Array>;
}

/** Blobs with their writing side: the content names the blob, so putting it twice changes nothing. */
export interface BlobStore extends BlobReader {
  /**
   * Stores the bytes under their SHA-256; durable when it returns. Nothing stays behind when it refuses.
   * Codes: digest-mismatch (when `expectedDigest` is given), blob-too-long, storage-full.
   */
  put(
    chunks: AsyncIterable<Uint8Array>,
    limits: { readonly bytesMax: number; readonly expectedDigest?: Sha256 },
  ): Promise<Result<{ readonly digest: Sha256; readonly bytes: Bytes }, BlobError>>;
}

/** Why bytes were not stored. */
export type BlobError =
  | { readonly code: 'digest-mismatch'; readonly expected: Sha256; readonly actual: Sha256 }
  | { readonly code: 'blob-too-long'; readonly bytesMax: number }
  | { readonly code: 'storage-full'; readonly detail: string };

/** Something read at a revision of the policy. */
export interface Revisioned {
  readonly revision: Revision;
}

// SPDX-License-Identifier: Apache-2.0
import type { DeviceId, PermitId, ReleaseId, RolloutId } from '../kernel/ids.ts';
import type { FleetInstant } from '../kernel/time.ts';
import type { Envelope } from '../trust/envelope.ts';
import type { RunningSoftware } from './device-record.ts';
import type { TpmQuote } from './tpm-quote.ts';
import type { KeptManifests } from './version-manifest.ts';

/** What a device says happened, signed with its key. Counts once: (device, sequence) is unique. */
export interface Report {
  readonly deviceId: DeviceId;
  readonly sequence: number;
  readonly rolloutId: RolloutId;
  readonly releaseId: ReleaseId;
  /** Absent for faults of a device that holds no permit (the control arm). */
  readonly permitId?: PermitId;
  readonly event: ReportEvent;
  readonly running: RunningSoftware;
  /** At most 2,048 characters: reason of a revert, tail of the failed boot's log, what the driver said. */
  readonly detail: string;
  /** With `verified`: the version manifest, signed by the device. Absent from a device that signs none. */
  readonly manifest?: Envelope;
  /** With the version manifest: the word of the device's TPM about it. Absent from a device without. */
  readonly quote?: TpmQuote;
}

/** What happened to the device; each moves the evidence in its own way. */
export type ReportEvent =
  /** The new image booted, passed its health check and was confirmed. */
  | 'verified'
  /** Fell back to the old slot. */
  | 'reverted'
  /** Could not install: no space, corrupt, cancelled. A deferral is not one. */
  | 'install-failed'
  | 'crash'
  | 'sensor-fault'
  /** The device refused an offer or a permit that an honest server does not send. It moves no evidence. */
  | 'refused'
  /** Whoever drives or uses the device speaks against what it runs. Never evidence: it may pause (policy/flags). */
  | 'driver-flag';

/** What moves evidence: a refusal and a driver's word stand on no row. */
export type OutcomeEvent = Exclude<ReportEvent, 'refused' | 'driver-flag'>;

/** A report as stored: the raw signed body beside it, and when the server received it. */
export interface StoredReport {
  readonly report: Report;
  readonly receivedAt: FleetInstant;
}

/** A report on its way into the log, with what its device signed. */
export interface TakenReport extends StoredReport {
  readonly signedBody: string;
  readonly signature: string;
  /** What is kept of its version manifest, or of a claim that was not believed. Absent: it made no such claim. */
  readonly kept?: KeptManifests;
}

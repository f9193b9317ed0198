// SPDX-License-Identifier: Apache-2.0
import type { DeviceId, PermitId, ReleaseId, RolloutId } from '../kernel/ids.ts';
import type { FleetInstant } from '../kernel/time.ts';
import type { RunningSoftware } from './device-record.ts';

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

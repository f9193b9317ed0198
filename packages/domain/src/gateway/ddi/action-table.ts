// SPDX-License-Identifier: Apache-2.0
import type { Table } from '../../kernel/table.ts';
import type { ReportedState } from '../device-record.ts';
import type { ReportEvent } from '../report.ts';
import type { DdiActionState, DdiStep } from './ddi-device.ts';

/**
 * What a client said about a deployment. `progressed` changes nothing but what the device is seen doing.
 */
export type DdiActionEvent = 'progressed' | 'succeeded' | 'failed' | 'cancelled';

/** The life of a deployment. What has ended stays as it ended: feedback that comes late or twice changes nothing. */
export const DDI_ACTION_TABLE = {
  open: { progressed: 'stay', succeeded: 'succeeded', failed: 'failed', cancelled: 'cancelled' },
  succeeded: { progressed: 'stay', succeeded: 'stay', failed: 'stay', cancelled: 'stay' },
  failed: { progressed: 'stay', succeeded: 'stay', failed: 'stay', cancelled: 'stay' },
  cancelled: { progressed: 'stay', succeeded: 'stay', failed: 'stay', cancelled: 'stay' },
} as const satisfies Table<DdiActionState, DdiActionEvent>;

/** Feedback about a deployment or its cancellation, as far as anything follows from it. */
export interface DdiFeedback {
  readonly execution: DdiExecution;
  readonly finished: DdiFinished;
  /** The texts that came with it, cut to what a report holds: what sounds like an error first. */
  readonly detail: string;
  /** Those of the texts that sound like an error, as they came. */
  readonly complaints: readonly string[];
  /** Absent: it tells of no step that anything follows from. */
  readonly step?: DdiStep;
}

/** `status.execution`: what the client is doing. */
export type DdiExecution =
  | 'closed'
  | 'proceeding'
  | 'download'
  | 'downloaded'
  | 'canceled'
  | 'scheduled'
  | 'rejected'
  | 'resumed';

/** `status.result.finished`: how it went. */
export type DdiFinished = 'success' | 'failure' | 'none';

/** What feedback about a deployment means for it. Closed without a result is neither success nor failure. */
export function eventOfFeedback({ execution, finished }: DdiFeedback): DdiActionEvent {
  if (execution === 'canceled') return 'cancelled';
  if (execution !== 'closed') return 'progressed';
  return CLOSED_BY[finished];
}

/** What feedback about a cancellation means for the deployment: a client that goes on with it says `rejected`. */
export function eventOfCancelFeedback({ execution, finished }: DdiFeedback): DdiActionEvent {
  const isDone = execution === 'canceled' || (execution === 'closed' && finished !== 'failure');
  return isDone ? 'cancelled' : 'progressed';
}

const CLOSED_BY = {
  success: 'succeeded',
  failure: 'failed',
  none: 'cancelled',
} as const satisfies Readonly<Record<DdiFinished, DdiActionEvent>>;

/** The report that an end of a deployment stands for; a cancellation is none. */
export const REPORT_OF_END = {
  progressed: undefined,
  succeeded: 'verified',
  failed: 'install-failed',
  cancelled: undefined,
} as const satisfies Readonly<Record<DdiActionEvent, ReportEvent | undefined>>;

/** What a device is seen doing while it says so. */
export const STATE_WHILE = {
  closed: 'idle',
  proceeding: 'installing',
  download: 'downloading',
  downloaded: 'downloaded',
  canceled: 'idle',
  scheduled: 'available',
  rejected: 'deferred',
  resumed: 'installing',
} as const satisfies Readonly<Record<DdiExecution, ReportedState>>;

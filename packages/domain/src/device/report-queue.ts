// SPDX-License-Identifier: Apache-2.0
import type { ReportEvent } from '../gateway/report.ts';
import type { PermitId, ReleaseId, RolloutId } from '../kernel/ids.ts';
import { withJournal } from './moves.ts';
import { type DeviceState, type QueuedReport, runningSoftware } from './state.ts';

/** What a report is about; without a permit when the device holds none. */
export interface ReportSubject {
  readonly rolloutId: RolloutId;
  readonly releaseId: ReleaseId;
  readonly permitId?: PermitId;
}

/**
 * Adds a report to the queue with the next sequence number. It stays there, over reboots too, until the server says that
 * it has it on disk.
 */
export function queueReport(
  state: DeviceState,
  { rolloutId, releaseId, permitId }: ReportSubject,
  what: { readonly event: ReportEvent; readonly detail: string },
): DeviceState {
  const { journal, situation } = state;
  const sequence = journal.sequence + 1;
  const report: QueuedReport = {
    deviceId: journal.deviceId,
    sequence,
    rolloutId,
    releaseId,
    ...(permitId && { permitId }),
    event: what.event,
    running: runningSoftware(situation.boot),
    detail: storable(what.detail).slice(-DETAIL_CHARACTERS_MAX),
  };
  return withJournal(state, { sequence, reports: [...journal.reports, report].slice(-REPORTS_MAX) });
}

/** Longest detail of a report, as its contract says; the tail of a log tells more than its head. */
const DETAIL_CHARACTERS_MAX = 2_048;

/** An update makes one report; thirty-two unsent ones are months without a server. The oldest leave first. */
const REPORTS_MAX = 32;

/** Logs may hold anything: what no store can hold (U+0000, halves of surrogate pairs) becomes U+FFFD. */
function storable(text: string): string {
  return text.replaceAll('\0', '\uFFFD').replace(LONE_SURROGATE, '\uFFFD');
}

const LONE_SURROGATE = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g;

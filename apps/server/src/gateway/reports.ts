// SPDX-License-Identifier: Apache-2.0
import type { KnownDevice, ReportedState } from '@outrider/domain/gateway/device-record';
import type { ReportLog } from '@outrider/domain/gateway/ports';
import type { Report, ReportEvent, TakenReport } from '@outrider/domain/gateway/report';
import type { FleetClock } from '@outrider/domain/kernel/clock';
import type { PermitId } from '@outrider/domain/kernel/ids';
import { durationMs } from '@outrider/domain/kernel/time';
import type { ReportAnswer } from '@outrider/protocol/gateway/report';
import { currentTrace } from '../log/request-context.ts';
import type { Recorder } from '../observability/recorder.ts';
import type { Schedule } from '../ports.ts';
import type { Claims, ClaimVerdict } from './claims.ts';
import type { Contacts } from './contacts.ts';
import { type GroupCommit, groupCommit } from './group-commit.ts';

/** Takes in reports: each is durable before it is acknowledged. */
export interface Reports {
  take(sender: Reporter, report: Report, signedBody: string): Promise<ReportAnswer>;
  flush(): Promise<void>;
}

/** The device that reports, and its verified signature over the report: the two stay together for good. */
export interface Reporter {
  readonly device: KnownDevice;
  readonly signature: string;
  /** A DDI device has none: its word counts as far as the plan says. */
  readonly hasKey: boolean;
}

/** Reports of one transaction; what one PostgreSQL statement takes without holding its locks for long. */
const BATCH_REPORTS_MAX = 500;
const WAITING_MAX = 20_000;

/** Group commit: one sync of the disk for all reports of this time. */
const GATHER_MS = durationMs(2);

export function reports(options: {
  readonly reportLog: ReportLog;
  readonly contacts: Contacts;
  readonly claims: Claims;
  readonly fleetClock: FleetClock;
  readonly schedule: Schedule;
  readonly recorder: Recorder;
  /** Told of what a driver says, once it is on disk; what comes twice is told twice. */
  readonly onDriverFlag: (report: Report) => Promise<void>;
}): Reports {
  const { reportLog, contacts, claims, fleetClock, schedule, recorder, onDriverFlag } = options;
  const { timings } = recorder;
  const commits: GroupCommit<TakenReport, ReportAnswer['result']> = groupCommit({
    itemsMax: BATCH_REPORTS_MAX,
    waitingMax: WAITING_MAX,
    gatherMs: GATHER_MS,
    schedule,
    async commit(batch) {
      const began = recorder.now();
      const results = await reportLog.appendReports(batch);
      timings['report-commit'].observe(recorder.now() - began);
      timings['report-batch'].observe(batch.length);
      return results;
    },
  });
  return {
    async take({ device, signature, hasKey }, report, signedBody) {
      const receivedAt = fleetClock.now();
      const verdict = hasKey && report.event === 'verified' ? await claims.judge(device, report, receivedAt) : BELIEVED;
      const { fault, kept } = verdict;
      const result = await commits.add({
        ...{ report: fault === undefined ? report : uncounted(report), receivedAt, signedBody, signature },
        ...(kept === undefined ? {} : { kept }),
      });
      if (verdict.counted !== undefined && result !== 'duplicate') recorder.counters.add('claim', verdict.counted);
      // Again for a repeated one too: a server that died between the two has not told it.
      if (report.event === 'driver-flag') await onDriverFlag(report);
      const state = STATE_AFTER[report.event];
      const { sequence, running } = report;
      const told = fault === undefined ? { running, ...(state === undefined ? {} : { state }) } : {};
      contacts.note(device, { sequence, at: receivedAt, ...told });
      const trace = currentTrace();
      if (trace !== undefined) {
        const attributes = { 'outrider.answer': result, 'outrider.event': report.event };
        trace.about = { attributes: { ...attributes, 'outrider.rollout_id': report.rolloutId }, ...permitOf(report) };
      }
      return fault === undefined ? { result } : { result, disbelieved: fault };
    },
    flush: () => commits.flush(),
  };
}

/** Without the permit it is stored and counts for nothing; the body that was signed lies beside it as it came. */
function uncounted({ permitId: _, ...report }: Report): Report {
  return report;
}

const BELIEVED: ClaimVerdict = {};

function permitOf({ permitId }: Report): { readonly permitId?: PermitId } {
  return permitId === undefined ? {} : { permitId };
}

/** What a report says about the state of its device; a fault says nothing. */
const STATE_AFTER = {
  verified: 'verified',
  reverted: 'reverted',
  'install-failed': 'failed',
  crash: undefined,
  'sensor-fault': undefined,
  refused: undefined,
  'driver-flag': undefined,
} as const satisfies Record<ReportEvent, ReportedState | undefined>;

// SPDX-License-Identifier: Apache-2.0
import type { LedgerOutcome } from '@outrider/domain/gateway/ledger';
import type { ReportLog } from '@outrider/domain/gateway/ports';
import type { OutcomeEvent, Report, TakenReport } from '@outrider/domain/gateway/report';
import type { KeptManifests } from '@outrider/domain/gateway/version-manifest';
import { appendAudit } from './audit.ts';
import { type LedgerEntry, type MemoryState, takenInAt } from './state.ts';
import { noteHeard } from './touch-index.ts';

export function memoryReports(state: MemoryState): ReportLog {
  return {
    async appendReports(reports) {
      return reports.map((one) => appendReport(state, one));
    },
    async loadKeptManifests(deviceId) {
      return state.keptManifests.get(deviceId);
    },
    async forgetTpm(deviceId, note) {
      const kept = state.keptManifests.get(deviceId);
      if (kept?.manifest?.tpm === undefined) return false;
      const { tpm: _, ...manifest } = kept.manifest;
      state.keptManifests.set(deviceId, { ...kept, manifest });
      appendAudit(state, note);
      return true;
    },
    async loadReports(rolloutId, { afterPosition, limit, deviceIds }) {
      const wanted = deviceIds === undefined ? undefined : new Set(deviceIds);
      return state.reports
        .slice(afterPosition)
        .filter(({ report }) => report.rolloutId === rolloutId && (wanted?.has(report.deviceId) ?? true))
        .slice(0, limit);
    },
  };
}

function appendReport(
  state: MemoryState,
  { report, receivedAt, kept }: TakenReport,
): 'counted' | 'duplicate' | 'unmatched' {
  const key = `${report.deviceId} ${report.sequence}`;
  if (state.reportKeys.has(key)) return 'duplicate';
  state.reportKeys.add(key);
  if (kept !== undefined) keep(state, report, kept);
  const at = takenInAt(state, report.rolloutId, receivedAt);
  state.reports.push({ position: state.reports.length + 1, report, receivedAt: at });
  const entry = matchingEntry(state.ledgerOfDevice.get(report.deviceId) ?? [], report);
  if (entry === undefined) return 'unmatched';
  if (report.event === 'refused' || report.event === 'driver-flag') return 'counted';
  const field = OUTCOME_FIELD[report.event];
  if (entry.outcome[field] !== undefined) return 'counted';
  entry.outcome = { ...entry.outcome, [field]: at };
  noteHeard(state, entry, at);
  return 'counted';
}

function keep(state: MemoryState, { deviceId, sequence }: Report, kept: KeptManifests): void {
  const before = state.keptManifests.get(deviceId);
  const isNewest = (one: { readonly sequence: number } | undefined) => one === undefined || one.sequence < sequence;
  const { manifest, disbelieved } = kept;
  state.keptManifests.set(deviceId, {
    ...before,
    ...(manifest !== undefined && isNewest(before?.manifest) ? { manifest } : {}),
    ...(disbelieved !== undefined && isNewest(before?.disbelieved) ? { disbelieved } : {}),
  });
}

const OUTCOME_FIELD = {
  verified: 'verifiedAt',
  reverted: 'revertedAt',
  'install-failed': 'installFailedAt',
  crash: 'crashedAt',
  'sensor-fault': 'sensorFaultAt',
} as const satisfies Record<OutcomeEvent, keyof LedgerOutcome>;

/** The row of the permit it names; for a fault without a permit (the control arm) the device's newest enrolment. */
function matchingEntry(entries: readonly LedgerEntry[], report: Report): LedgerEntry | undefined {
  const ofRollout = entries.filter((entry) => entry.outcome.row.rolloutId === report.rolloutId);
  if (report.permitId !== undefined) {
    return ofRollout.find(
      ({ outcome: { row } }) => row.permitId === report.permitId && row.releaseId === report.releaseId,
    );
  }
  const isFault = report.event === 'crash' || report.event === 'sensor-fault';
  return isFault ? ofRollout.findLast((entry) => entry.outcome.row.kind === 'enrolment') : undefined;
}

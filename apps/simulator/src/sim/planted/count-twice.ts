// SPDX-License-Identifier: Apache-2.0

import type { LedgerOutcome } from '@outrider/domain/gateway/ledger';
import type { ReportLog } from '@outrider/domain/gateway/ports';
import type { OutcomeEvent, Report } from '@outrider/domain/gateway/report';
import { memoryReports } from '@outrider/testkit/memory-store/reports';
import type { MemoryState } from '@outrider/testkit/memory-store/state';

/** Planted: nothing keeps (device, sequence) unique, and a report sets its instant on the row whether one is there or not. */
export function countTwice(state: MemoryState): ReportLog {
  const reports = memoryReports(state);
  return {
    ...reports,
    async appendReports(batch) {
      for (const { report } of batch) {
        state.reportKeys.delete(`${report.deviceId} ${report.sequence}`);
        clearInstant(state, report);
      }
      return reports.appendReports(batch);
    },
  };
}

function clearInstant(state: MemoryState, { deviceId, permitId, event }: Report): void {
  for (const entry of state.ledgerOfDevice.get(deviceId) ?? []) {
    if (entry.outcome.row.permitId !== permitId) continue;
    if (event === 'refused' || event === 'driver-flag') continue;
    const { [INSTANT_OF_EVENT[event]]: _, ...others } = entry.outcome;
    entry.outcome = others as LedgerOutcome;
  }
}

const INSTANT_OF_EVENT = {
  verified: 'verifiedAt',
  reverted: 'revertedAt',
  'install-failed': 'installFailedAt',
  crash: 'crashedAt',
  'sensor-fault': 'sensorFaultAt',
} as const satisfies Record<OutcomeEvent, keyof LedgerOutcome>;

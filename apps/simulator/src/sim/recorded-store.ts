// SPDX-License-Identifier: Apache-2.0
import type { ServerStore } from '@outrider/domain/decision/server-store';
import type { FleetClock } from '@outrider/domain/kernel/clock';
import type { EventLog } from './event-log.ts';

/** A store that writes into the log what it made durable: permits, reports, decisions and policy entries. */
export function recordedStore(store: ServerStore, log: EventLog, clock: FleetClock): ServerStore {
  return {
    ...store,
    ledger: {
      ...store.ledger,
      async commitPermits(proposals) {
        const commits = await store.ledger.commitPermits(proposals);
        for (const commit of commits) {
          if (commit.kind === 'committed') log.append({ kind: 'permit', at: clock.now(), row: commit.row });
        }
        return commits;
      },
    },
    reports: {
      ...store.reports,
      async appendReports(reports) {
        const results = await store.reports.appendReports(reports);
        for (const [index, { report }] of reports.entries()) {
          log.append({ kind: 'report', at: clock.now(), report, result: results[index] ?? 'unmatched' });
        }
        return results;
      },
    },
    decisions: {
      ...store.decisions,
      async appendDecision(input, decision) {
        await store.decisions.appendDecision(input, decision);
        log.append({ kind: 'decision', at: decision.at, decision });
      },
    },
    policyLog: {
      ...store.policyLog,
      async appendEntry(entry) {
        const appended = await store.policyLog.appendEntry(entry);
        if (appended.ok) log.append({ kind: 'policy', at: entry.at, entry: appended.value });
        return appended;
      },
    },
  };
}

// SPDX-License-Identifier: Apache-2.0
import type { ServerStore } from '@outrider/domain/decision/server-store';
import type { FleetClock } from '@outrider/domain/kernel/clock';
import type { EventLog } from './event-log.ts';
import type { Watch } from './oracles/watch.ts';

/** A store that tells log and oracles what it made durable, at the instant at which it did. */
export function watchedStore(
  store: ServerStore,
  { log, watch, clock }: { readonly log: EventLog; readonly watch: Watch; readonly clock: FleetClock },
): ServerStore {
  return {
    ...store,
    ledger: {
      ...store.ledger,
      async commitPermits(proposals) {
        const commits = await store.ledger.commitPermits(proposals);
        for (const [index, commit] of commits.entries()) {
          if (commit.kind !== 'committed') continue;
          log.append({ kind: 'permit', at: clock.now(), row: commit.row });
          watch.see({ kind: 'permit-committed', row: commit.row, region: proposals[index]?.region ?? '' });
        }
        return commits;
      },
      loadRowsTouched(rolloutId, interval, windowsMs) {
        watch.see({ kind: 'interval-closed', rolloutId, upTo: interval.upTo });
        return store.ledger.loadRowsTouched(rolloutId, interval, windowsMs);
      },
    },
    reports: {
      ...store.reports,
      async appendReports(reports) {
        const results = await store.reports.appendReports(reports);
        for (const [index, { report, receivedAt }] of reports.entries()) {
          log.append({ kind: 'report', at: clock.now(), report, result: results[index] ?? 'unmatched' });
          watch.see({ kind: 'report-appended', report, receivedAt });
        }
        return results;
      },
    },
    exposures: {
      ...store.exposures,
      async storeExposure(exposure) {
        await store.exposures.storeExposure(exposure);
        watch.see({ kind: 'exposure-stored', exposure });
      },
    },
    decisions: {
      ...store.decisions,
      async appendDecision(input, decision) {
        await store.decisions.appendDecision(input, decision);
        log.append({ kind: 'decision', at: decision.at, decision });
        watch.see({ kind: 'decided', input, decision });
      },
    },
    policyLog: {
      ...store.policyLog,
      async appendEntry(entry) {
        const appended = await store.policyLog.appendEntry(entry);
        if (!appended.ok) return appended;
        log.append({ kind: 'policy', at: entry.at, entry: appended.value });
        if (entry.exposure !== undefined) watch.see({ kind: 'exposure-stored', exposure: entry.exposure });
        watch.see({ kind: 'policy-appended', entry: appended.value });
        return appended;
      },
    },
  };
}

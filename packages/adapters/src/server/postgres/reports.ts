// SPDX-License-Identifier: Apache-2.0
import type { ReportLog } from '@outrider/domain/gateway/ports';
import { present } from '@outrider/domain/kernel/assert';
import { fleetInstant } from '@outrider/domain/kernel/time';
import { parseReport } from '@outrider/protocol/gateway/report';
import type { Database } from './pool.ts';
import { numberOf, textOf, wellFormed } from './row.ts';

export function postgresReports(database: Database): ReportLog {
  return {
    async appendReports(reports) {
      const rows = await database.query('select ordinal, result from append_reports($1::jsonb)', [
        JSON.stringify(reports),
      ]);
      const results = new Map(rows.map((row) => [numberOf(row, 'ordinal'), textOf(row, 'result')]));
      return reports.map((_, index) => {
        const result = results.get(index + 1);
        return present(
          RESULTS.find((one) => one === result),
          'an answer to every report',
        );
      });
    },
    async loadReports(rolloutId, { afterPosition, limit }) {
      const page = `select position, received_at, report from report
        where rollout_id = $1 and position > $2 order by position limit $3`;
      const rows = await database.query(page, [rolloutId, afterPosition, limit]);
      return rows.map((row) => ({
        position: numberOf(row, 'position'),
        receivedAt: fleetInstant(numberOf(row, 'received_at')),
        report: wellFormed(parseReport(textOf(row, 'report'))),
      }));
    },
  };
}

const RESULTS = ['counted', 'duplicate', 'unmatched'] as const;

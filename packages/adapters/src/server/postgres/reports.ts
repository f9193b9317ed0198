// SPDX-License-Identifier: Apache-2.0
import type { ReportLog } from '@outrider/domain/gateway/ports';
import { present } from '@outrider/domain/kernel/assert';
import { fleetInstant } from '@outrider/domain/kernel/time';
import { parseReport } from '@outrider/protocol/gateway/report';
import { parseKeptManifests } from '@outrider/protocol/gateway/version-manifest';
import { appendAudit } from './audit-chain.ts';
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
    async loadKeptManifests(deviceId) {
      const [row] = await database.query(LOAD_KEPT, [deviceId]);
      return row === undefined ? undefined : wellFormed(parseKeptManifests(textOf(row, 'kept')));
    },
    async forgetTpm(deviceId, note) {
      return await database.transaction(async (query) => {
        const forgotten = await query(FORGET_TPM, [deviceId]);
        if (forgotten.length > 0) await appendAudit(query, [note]);
        return forgotten.length > 0;
      });
    },
    async loadReports(rolloutId, { afterPosition, limit, deviceIds }) {
      const page = [rolloutId, afterPosition, limit];
      const rows = await (deviceIds === undefined
        ? database.query(LOAD, page)
        : database.query(LOAD_OF_DEVICES, [...page, deviceIds]));
      return rows.map((row) => ({
        position: numberOf(row, 'position'),
        receivedAt: fleetInstant(numberOf(row, 'received_at')),
        report: wellFormed(parseReport(textOf(row, 'report'))),
      }));
    },
  };
}

const RESULTS = ['counted', 'duplicate', 'unmatched'] as const;

const LOAD_KEPT = `
select jsonb_strip_nulls(jsonb_build_object('manifest', manifest, 'disbelieved', disbelieved)) as kept
from version_manifest where device_id = $1`;

const FORGET_TPM = `
update version_manifest set manifest = manifest - 'tpm' where device_id = $1 and manifest ? 'tpm' returning device_id`;

const LOAD = `
select position, received_at, report from report where rollout_id = $1 and position > $2 order by position limit $3`;

/** By the key of device and sequence; the rest is sorted in memory. */
const LOAD_OF_DEVICES = `
select position, received_at, report from report
where device_id = any($4::text[]) and rollout_id = $1 and position > $2 order by position limit $3`;

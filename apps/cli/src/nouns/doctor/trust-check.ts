// SPDX-License-Identifier: Apache-2.0
import { errorCode } from '@outrider/adapters/shared/files';
import { MetadataFault } from '@outrider/adapters/shared/metadata-repository';
import type { FleetInstant } from '@outrider/domain/kernel/time';
import { trustRows, trustWarnings } from '../trust/status.ts';
import { trustFiles } from '../trust/trust-folder.ts';
import { type Finding, ok, warn, wrong } from './finding.ts';

/** Whether the documents of both repositories are there and hold for long enough. */
export async function trustCheck(folder: string, now: FleetInstant): Promise<Finding> {
  try {
    const rows = await trustRows(trustFiles(folder), now);
    if (rows.length === 0) {
      const seen =
        'No repositories: devices pin keys alone, cannot tell a frozen server, and keep a stolen key for good';
      return warn(
        'trust',
        seen,
        'Found them with `outrider trust init`, then hand the devices over with `outrider trust hand-over`',
      );
    }
    const [warning] = trustWarnings(rows);
    const [seen = '', mend = ''] = warning?.split(': ') ?? [];
    if (warning !== undefined) return warn('trust', seen, mend);
    const days = Math.min(...rows.filter(({ role }) => !SIGNED_BY_SERVER.has(role)).map(({ daysLeft }) => daysLeft));
    return ok('trust', `${rows.length} documents in force; people sign next in ${days} days at the latest`);
  } catch (cause) {
    if (!(cause instanceof MetadataFault) && errorCode(cause) === undefined) throw cause;
    const seen = cause instanceof Error ? cause.message : String(cause);
    return wrong('trust', seen, 'Restore the folder `repository` from a backup');
  }
}

const SIGNED_BY_SERVER: ReadonlySet<string> = new Set(['snapshot', 'timestamp']);

// SPDX-License-Identifier: Apache-2.0
import { present } from '@outrider/domain/kernel/assert';
import type { RolloutId } from '@outrider/domain/kernel/ids';
import type { Management } from '@outrider/simulator/demo/management';
import { type Acknowledged, reportKey } from './acknowledged.ts';

/** What is wrong in a store, counted. */
export interface Findings {
  readonly permitsLost: number;
  readonly reportsLost: number;
  readonly overruns: number;
  readonly miscounts: number;
}

export function noFindings(): Findings {
  return { permitsLost: 0, reportsLost: 0, overruns: 0, miscounts: 0 };
}

export function sum(a: Findings, b: Findings): Findings {
  return {
    permitsLost: a.permitsLost + b.permitsLost,
    reportsLost: a.reportsLost + b.reportsLost,
    overruns: a.overruns + b.overruns,
    miscounts: a.miscounts + b.miscounts,
  };
}

/** Asks the server, through its API, for everything that devices hold in their hands. */
export async function inspect(management: Management, rolloutId: RolloutId, held: Acknowledged): Promise<Findings> {
  const ledger = await management.ledger(rolloutId);
  const reports = await management.reports(rolloutId);
  const exposure = present((await management.sight(rolloutId)).exposure, 'the exposure of a started rollout');
  const permitIds = new Set(ledger.map(({ row }) => row.permitId));
  const reportKeys = new Set(reports.map(({ deviceId, sequence }) => reportKey(deviceId, sequence)));
  const treated = ledger.filter(({ row }) => row.kind === 'enrolment' && row.arm === 'treated');
  return {
    permitsLost: [...held.permitIds].filter((permitId) => !permitIds.has(permitId)).length,
    reportsLost: [...held.reports].filter((key) => !reportKeys.has(key)).length,
    overruns: [exposure, ...exposure.segments].filter(({ granted, cap }) => granted > cap).length,
    miscounts: exposure.granted === treated.length ? 0 : 1,
  };
}

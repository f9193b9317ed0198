// SPDX-License-Identifier: Apache-2.0
import type { ProvingFacts, ProvingGround } from '@outrider/simulator/compose';

/** What is wrong in a store, counted. */
export interface Findings {
  readonly permitsLost: number;
  readonly reportsLost: number;
  readonly overruns: number;
  readonly miscounts: number;
  readonly recountsDiffering: number;
}

/** Compares what the server has with what devices hold in their hands. */
export function inspect(facts: ProvingFacts, held: ProvingGround['held']): Findings {
  const { ledger, reportKeys, exposure, isRecountEqual } = facts;
  const permitIds = new Set(ledger.map(({ row }) => row.permitId));
  const treated = ledger.filter(({ row }) => row.kind === 'enrolment' && row.arm === 'treated');
  return {
    permitsLost: [...held.permitIds].filter((permitId) => !permitIds.has(permitId)).length,
    reportsLost: [...held.reportKeys].filter((key) => !reportKeys.has(key)).length,
    overruns: [exposure, ...exposure.segments].filter(({ granted, cap }) => granted > cap).length,
    miscounts: exposure.granted === treated.length ? 0 : 1,
    recountsDiffering: isRecountEqual ? 0 : 1,
  };
}

export function noFindings(): Findings {
  return { permitsLost: 0, reportsLost: 0, overruns: 0, miscounts: 0, recountsDiffering: 0 };
}

export function sum(a: Findings, b: Findings): Findings {
  return {
    permitsLost: a.permitsLost + b.permitsLost,
    reportsLost: a.reportsLost + b.reportsLost,
    overruns: a.overruns + b.overruns,
    miscounts: a.miscounts + b.miscounts,
    recountsDiffering: a.recountsDiffering + b.recountsDiffering,
  };
}

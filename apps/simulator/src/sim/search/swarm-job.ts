// SPDX-License-Identifier: Apache-2.0
import type { Violation } from '../oracles/violation.ts';
import type { Plant } from '../planted/plant.ts';
import { runCase } from '../run-case.ts';
import { drawCase } from './draw-case.ts';

/** One run of a swarm. */
export interface SwarmJob {
  readonly seed: string;
  readonly plant?: Plant;
}

/** What came of it; small, whatever was played. */
export interface SwarmResult {
  readonly seed: string;
  readonly digest: string;
  readonly faults: number;
  readonly devices: number;
  readonly permits: number;
  readonly reports: number;
  readonly violation?: Violation;
}

/** Draws the case of a job and plays it. */
export async function playJob({ seed, plant }: SwarmJob): Promise<SwarmResult> {
  const simCase = drawCase(seed, plant);
  const outcome = await runCase(simCase);
  const { permit, report } = outcome.counts;
  return {
    ...{ seed, digest: outcome.digest, faults: simCase.faults.length, devices: simCase.deviceCount },
    ...{ permits: permit, reports: report },
    ...(outcome.kind === 'broken' && { violation: outcome.violation }),
  };
}

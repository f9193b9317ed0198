// SPDX-License-Identifier: Apache-2.0
import type { Figure, MeasureOptions } from '../bench/figures.ts';
import { killFigures } from './spine/kills.ts';
import { simulatorFigures } from './spine/simulator-runs.ts';

export const name = 'spine';

/**
 * The spine holds: a run of the simulator can be repeated to the byte and tells any change, and no kill -9 of server or
 * database loses what was acknowledged or lets out more than the caps.
 */
export async function run(options: MeasureOptions): Promise<readonly Figure[]> {
  return [...(await simulatorFigures(options)), ...(await killFigures(options))];
}

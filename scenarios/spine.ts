// SPDX-License-Identifier: Apache-2.0
import type { Figure, MeasureOptions } from '../bench/figures.ts';
import { figuresOf } from './kills/figures.ts';
import { playKills } from './kills/play-kills.ts';
import { simulatorFigures } from './spine/simulator-runs.ts';

export const name = 'spine';

/** A short form of `prove -- kills`: every kind of kill at least once. */
const KILLS = 20;
const DEVICES = 300;

/**
 * The spine holds: a run of the simulator can be repeated to the byte and tells any change, and no kill -9 of server or
 * database loses what was acknowledged or lets out more than the caps.
 */
export async function run(options: MeasureOptions): Promise<readonly Figure[]> {
  const { seed, log } = options;
  const simulated = await simulatorFigures(options);
  return [...simulated, ...figuresOf(await playKills({ seed, log, kills: KILLS, deviceCount: DEVICES }))];
}

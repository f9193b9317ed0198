// SPDX-License-Identifier: Apache-2.0
import type { Figure, MeasureOptions } from '../bench/figures.ts';
import { figuresOf, firstStartFigures } from './kills/figures.ts';
import { killFirstStarts } from './kills/first-starts.ts';
import { playKills } from './kills/play-kills.ts';

export const name = 'kills';

export const flags = {
  kills: { sentence: 'how often something is killed in the rollout', default: 200, min: 1, max: 100_000 },
  devices: { sentence: 'devices of the fleet', default: 2_000, min: 50, max: 100_000 },
  'first-starts': { sentence: 'new installations killed while they start', default: 6, min: 0, max: 1_000 },
} as const;

/**
 * No kill -9 of server or PostgreSQL, together or apart, loses what was acknowledged or lets out more than the caps, and
 * all goes on by itself.
 */
export async function run({ seed, log, flags: given }: MeasureOptions): Promise<readonly Figure[]> {
  const { kills = flags.kills.default, devices: deviceCount = flags.devices.default } = given;
  const count = given['first-starts'] ?? flags['first-starts'].default;
  const results = await playKills({ seed, kills, deviceCount, log });
  log(`Kinds: ${[...results.byKind].map(([kind, times]) => `${kind} ${times}`).join(', ')}`);
  for (const refusal of results.refusals.slice(0, 10)) log(`Refused: ${refusal}`);
  if (count === 0) return figuresOf(results);
  return [...figuresOf(results), ...firstStartFigures(await killFirstStarts({ seed, count, log }))];
}

// SPDX-License-Identifier: Apache-2.0
import type { Figure, MeasureOptions } from '../../bench/figures.ts';
import { playSimulator } from './play.ts';

/** Without a planted bug nobody cries, over as many runs as the goal says. */
export async function quietFigures(
  { root, seed, log }: MeasureOptions,
  { runs, folder }: { readonly runs: number; readonly folder: string },
): Promise<readonly Figure[]> {
  log(`A swarm of ${runs} runs without a planted bug`);
  const flags = ['--swarm', '--seed', `${seed}-quiet`, '--runs', String(runs), '--collect', '--out', folder];
  const { output } = await playSimulator(root, flags);
  // The last line of its kind is the tally of the end.
  const tallies = [...output.matchAll(/^(\d+) runs in \d+ s, (\d+) broken; (\d+) faults/gm)];
  const [, played = '0', broken = '0', faults = '0'] = tallies.at(-1) ?? [];
  for (const line of output.split('\n').filter((one) => one.startsWith('BROKEN'))) log(line);
  return [
    { figure: 'runs of a swarm', value: Number(played), unit: 'runs', goal: `${runs}`, holds: Number(played) === runs },
    { figure: 'faults in them', value: Number(faults), unit: 'faults', goal: '> 0', holds: Number(faults) > 0 },
    {
      figure: 'oracles that cried without a bug',
      value: Number(broken),
      unit: 'runs',
      goal: '0',
      holds: broken === '0',
    },
  ];
}

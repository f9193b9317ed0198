// SPDX-License-Identifier: Apache-2.0
import type { Figure, MeasureOptions } from '../../bench/figures.ts';
import { playSimulator } from './play.ts';

/** Each bug that can be planted, and the oracles whose promises it breaks: a commit that heeds no pause heeds no halt either. */
const PLANTS = [
  { plant: 'cap-outside', oracles: ['cap'] },
  { plant: 'count-twice', oracles: ['evidence'] },
  { plant: 'pause-notify', oracles: ['pause', 'halt'] },
] as const;

/** A swarm for each planted bug: it stops at the first broken promise, shrinks it, and the small case is played again. */
export async function plantedFigures(
  { root, seed, log }: MeasureOptions,
  { runsMax, folder }: { readonly runsMax: number; readonly folder: string },
): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const { plant, oracles } of PLANTS) {
    log(`A swarm looks for the planted bug ${plant}`);
    const flags = ['--swarm', '--seed', seed, '--plant', plant, '--runs', String(runsMax), '--shrink', '--out', folder];
    const { output, oracle: cried } = await playSimulator(root, flags);
    const runs = Number([...output.matchAll(/^(\d+) runs in/gm)].at(-1)?.[1] ?? 0);
    const isFound = oracles.some((oracle) => oracle === cried);
    const named = oracles.join(' or ');
    figures.push(
      {
        figure: `${plant}: runs until the oracle ${named} cried`,
        value: runs,
        unit: 'runs',
        goal: `<= ${runsMax}, ${named}`,
        holds: isFound,
      },
      ...(await smallFigures(root, { plant, oracle: isFound ? cried : undefined, output })),
    );
  }
  return figures;
}

/** Of the second case that was printed: the shrunk one. */
async function smallFigures(
  root: string,
  { plant, oracle, output }: { readonly plant: string; readonly oracle: string | undefined; readonly output: string },
): Promise<readonly Figure[]> {
  const [whole, small] = [...output.matchAll(/ (\d+) faults:?$/gm)].map(([, count]) => Number(count));
  const path = [...output.matchAll(/--replay (\S+)$/gm)].at(-1)?.[1];
  const isSmaller = small !== undefined && whole !== undefined && small <= whole;
  const [first, second] =
    path === undefined
      ? []
      : [await playSimulator(root, ['--replay', path]), await playSimulator(root, ['--replay', path])];
  const isCried = oracle !== undefined && first?.oracle === oracle;
  const isSame = isCried && first.digest !== undefined && first.digest === second?.digest;
  return [
    {
      figure: `${plant}: faults left after shrinking, of ${whole ?? 0}`,
      value: small ?? -1,
      unit: 'faults',
      goal: '<= those found',
      holds: isSmaller,
    },
    {
      figure: `${plant}: the small case, played again twice, breaks the same promise`,
      value: isSame ? 1 : 0,
      unit: 'yes/no',
      goal: '1',
      holds: isSame,
    },
  ];
}

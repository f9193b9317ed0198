// SPDX-License-Identifier: Apache-2.0
import type { Figure, MeasureOptions } from '../../bench/figures.ts';
import { playSimulator } from './play.ts';

/** A fleet in which everything breaks. */
const WILD = ['--devices', '100', '--days', '4', '--faults', 'wild'];

/** The same seed twice, with real signatures, and another seed: two at a time, as the machine has cores. */
export async function repeatedFigures({ root, seed, log }: MeasureOptions): Promise<readonly Figure[]> {
  log('A wild run is played twice, then with real signatures and with another seed');
  const play = (...flags: string[]) => playSimulator(root, [...WILD, ...flags]);
  const [first, second] = await Promise.all([play('--seed', seed), play('--seed', seed)]);
  const [real, other] = await Promise.all([
    play('--seed', seed, '--signatures', 'real'),
    play('--seed', `${seed}-other`),
  ]);
  const isPlayed = [first, second, real, other].every(({ digest }) => digest !== undefined);
  return [
    claim('a run with wild faults, played twice: the same event log', isPlayed && first.digest === second.digest),
    claim('with Ed25519 instead of quick signatures: the same event log', isPlayed && first.digest === real.digest),
    claim('with another seed: another event log', isPlayed && first.digest !== other.digest),
  ];
}

function claim(figure: string, holds: boolean): Figure {
  return { figure, value: holds ? 1 : 0, unit: 'yes/no', goal: '1', holds };
}

// SPDX-License-Identifier: Apache-2.0

import { playRegions, REGIONS } from '@outrider/simulator/compose';
import type { Figure, MeasureOptions } from '../bench/figures.ts';

export const name = 'regions';

export const flags = {
  gateways: { sentence: 'gateways in eight regions, all in this process', default: 1_000, min: 8, max: 5_000 },
  rounds: { sentence: 'pauses: of everything, of a region, of a rollout in turn', default: 6, min: 1, max: 10_000 },
  planted: { sentence: '1 plants a pause that only notifies: the proof must fail', default: 0, min: 0, max: 1 },
} as const;

/**
 * A pause holds for a thousand gateways in eight regions on one store, simulated from a seed: whatever is lost, late, cut off or
 * silent, no permit commits between a pause and its end, and no offer leaves a gateway later than five seconds after it.
 */
export async function run({ seed, log, flags: given }: MeasureOptions): Promise<readonly Figure[]> {
  const gateways = given.gateways ?? flags.gateways.default;
  const rounds = given.rounds ?? flags.rounds.default;
  const results = await playRegions({ seed, log, gateways, rounds, isPlanted: given.planted === 1 });
  for (const one of results.permitsInPause.slice(0, 5)) log(`Committed in a pause: ${one}`);
  const reduced =
    gateways < flags.gateways.default || rounds < flags.rounds.default ? { isReduced: true as const } : {};
  const sum = (of: (round: (typeof results.rounds)[number]) => number) =>
    results.rounds.reduce((total, round) => total + of(round), 0);
  return [
    { ...some(`gateways in ${REGIONS} regions`, gateways), ...reduced },
    some('pauses', rounds),
    some(
      'regions that were cut off or silent around a pause',
      sum((one) => one.partitions),
    ),
    some('calls to the store that failed', results.network.failed),
    some('calls to the store that hung for seconds', results.network.hung),
    some('notices that were lost', results.network.lost),
    some('permits that committed', results.permits),
    none('of these, between a pause and its end', results.permitsInPause.length),
    some('answers "not yet" in a pause', results.refusedInPause),
    some(
      'offers in the second before a pause',
      sum((one) => one.offersAtStake),
    ),
    none(
      'offers later than 5 s after it had committed',
      sum((one) => one.offersLate),
    ),
    {
      ...shown('time to return, longest, simulated', Math.max(...results.rounds.map((one) => one.returnedAfterMs))),
      unit: 'ms',
    },
    { ...shown('turns of the simulation', results.turns), unit: 'count' },
  ];
}

function shown(figure: string, value: number): Omit<Figure, 'unit'> {
  return { figure, value, goal: 'shown', holds: true };
}

function none(figure: string, value: number): Figure {
  return { figure, value, unit: 'count', goal: '0', holds: value === 0 };
}

/** A proof that looked at nothing is none. */
function some(figure: string, value: number): Figure {
  return { figure, value, unit: 'count', goal: '> 0', holds: value > 0 };
}

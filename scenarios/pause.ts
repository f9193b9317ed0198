// SPDX-License-Identifier: Apache-2.0
import type { Figure, MeasureOptions } from '../bench/figures.ts';
import { type Findings, findingsOf, missingHolders, toldWithoutRow } from './pause/findings.ts';
import { type PauseResults, playRounds } from './pause/play-rounds.ts';

export const name = 'pause';

export const flags = {
  rounds: { sentence: 'pauses with faults', default: 500, min: 1, max: 100_000 },
  calm: {
    sentence: 'pauses without faults before them, for the time that they take',
    default: 200,
    min: 0,
    max: 10_000,
  },
  gateways: { sentence: 'gateway processes, in two regions', default: 6, min: 5, max: 20 },
  planted: { sentence: '1 plants a pause that only notifies: the proof must fail', default: 0, min: 0, max: 1 },
} as const;

/** A whole receipt that is missing names the same cause again and again. */
const LINES_MAX = 50;
/** The time to return without faults: of a hundred pauses one may take longer. */
const CALM_P99_MS = 1_000;

/**
 * A pause is true when it returns: whatever is frozen, cut off, killed or set to another time, no permit commits between a pause
 * and its end, no offer is made when the right to offer is over, and the receipt names everyone who holds a permit.
 */
export async function run({ seed, log, flags: given }: MeasureOptions): Promise<readonly Figure[]> {
  const rounds = given.rounds ?? flags.rounds.default;
  const results = await playRounds({
    ...{ seed, rounds, log, calmRounds: given.calm ?? flags.calm.default },
    gateways: given.gateways ?? flags.gateways.default,
    isPlanted: given.planted === 1,
  });
  log(
    `Faults: ${[...results.befell]
      .toSorted()
      .map(([kind, times]) => `${kind} ${times}`)
      .join(', ')}`,
  );
  for (const line of missingHolders(results).slice(0, LINES_MAX)) log(line);
  return figuresOf(results, findingsOf(results), rounds < flags.rounds.default);
}

function figuresOf(results: PauseResults, found: Findings, isReduced: boolean): readonly Figure[] {
  const { rounds, told, befell } = results;
  const faulty = rounds.filter(({ isCalm }) => !isCalm);
  const calm = timesOf(rounds.filter(({ isCalm }) => isCalm));
  const times = timesOf(faulty);
  const reduced = isReduced ? { isReduced: true as const } : {};
  return [
    { ...some('pauses with faults around them', faulty.length), ...reduced },
    some('of these, of everything', faulty.filter(({ scope }) => scope === 'global').length),
    some('of these, of a region', faulty.filter(({ scope }) => scope.startsWith('region')).length),
    some('of these, of a rollout', faulty.filter(({ scope }) => scope.startsWith('rollout')).length),
    some(
      'faults that befell the servers',
      [...befell.values()].reduce((sum, one) => sum + one, 0),
    ),
    some(
      'of these, a server that froze itself at one of its awaits',
      [...befell].filter(([kind]) => kind.includes('frozen-at')).reduce((sum, [, one]) => sum + one, 0),
    ),
    some('answers to devices', told.length),
    none('permits told to devices that are in no table', toldWithoutRow(results)),
    none('permits told to devices that are of another', told.filter(({ isAnothers }) => isAnothers === true).length),
    some('permits that committed in the half second before a pause', found.permitsAtStake),
    none('permits that committed between a pause and its end', found.permitsCommittedInPause),
    some('answers "no" to devices that asked during a pause', found.refusedInPause),
    none('permits told to devices that asked after the receipt had come', found.permitsToldInPause),
    some('offers in the half second before a pause', found.offersAtStake),
    none('offers asked for later than 3 s after a pause had committed', found.offersMadeLate),
    none('offers that came later than 5 s after it', found.offersHeardLate),
    some('open permits named by receipts', found.holdersNamed),
    none('holders of an open permit that a receipt did not name', found.holdersMissing),
    none('permits named by a receipt that are in no table', found.holdersInvented),
    none('rounds that left no trace in the policy log', found.roundsWithoutCommit),
    ...(calm.length === 0
      ? []
      : [
          shown('time to return without faults, median', quantile(calm, 0.5)),
          shown('time to return without faults, 90 %', quantile(calm, 0.9)),
          {
            figure: 'time to return without faults, 99 %',
            value: quantile(calm, 0.99),
            unit: 'ms',
            goal: `< ${CALM_P99_MS} ms`,
            holds: quantile(calm, 0.99) < CALM_P99_MS,
          },
          shown('time to return without faults, longest', quantile(calm, 1)),
        ]),
    shown('time to return with faults, median', quantile(times, 0.5)),
    shown('time to return with faults, 90 %', quantile(times, 0.9)),
    shown('time to return with faults, 99 %', quantile(times, 0.99)),
    shown('time to return with faults, longest', quantile(times, 1)),
    {
      figure: 'pauses that were asked for again, without a receipt at first',
      value: faulty.filter(({ tries }) => tries > 1).length,
      unit: 'count',
      goal: 'shown',
      holds: true,
    },
    { figure: 'time for all of it', value: results.tookMs / 1_000, unit: 's', goal: 'shown', holds: true },
  ];
}

function timesOf(rounds: PauseResults['rounds']): readonly number[] {
  return rounds.map(({ tookMs }) => tookMs).toSorted((a, b) => a - b);
}

function quantile(ascending: readonly number[], share: number): number {
  return ascending[Math.min(ascending.length - 1, Math.ceil(share * ascending.length) - 1)] ?? 0;
}

function shown(figure: string, value: number): Figure {
  return { figure, value, unit: 'ms', goal: 'shown', holds: true };
}

function none(figure: string, value: number): Figure {
  return { figure, value, unit: 'count', goal: '0', holds: value === 0 };
}

/** A proof that looked at nothing is none. */
function some(figure: string, value: number): Figure {
  return { figure, value, unit: 'count', goal: '> 0', holds: value > 0 };
}

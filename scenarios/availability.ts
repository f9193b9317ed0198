// SPDX-License-Identifier: Apache-2.0
import type { Figure, MeasureOptions } from '../bench/figures.ts';
import { type AvailabilityResults, playAvailability } from './availability/play.ts';

export const name = 'availability';

export const flags = {
  'check-ins': { sentence: 'check-ins at least', default: 20_000, min: 100, max: 10_000_000 },
  devices: { sentence: 'devices, each on a connection of its own', default: 150, min: 10, max: 5_000 },
} as const;

const FAILED_SHARE_MAX = 1 / 10_000;
const DOWNLOAD_START_P99_MS = 2_000;

/**
 * Three gateways behind a balancer are upgraded one after the other and lost by kill -9, under load: nothing acknowledged is lost,
 * at most one check-in in ten thousand finds no answer, and downloads start soon after the offer.
 */
export async function run({ seed, log, flags: given }: MeasureOptions): Promise<readonly Figure[]> {
  const checkIns = given['check-ins'] ?? flags['check-ins'].default;
  const results = await playAvailability({ seed, log, checkIns, devices: given.devices ?? flags.devices.default });
  for (const [cause, times] of results.seen.causes) log(`Attempts lost: ${times} x ${cause}`);
  return figuresOf(results, checkIns < flags['check-ins'].default);
}

function figuresOf(
  { seen, upgrades, kills, permitsLost, reportsLost, tookMs }: AvailabilityResults,
  isReduced: boolean,
): readonly Figure[] {
  const share = seen.failed / Math.max(1, seen.checkIns);
  const starts = seen.downloadStartsMs.toSorted((a, b) => a - b);
  const latencies = seen.latenciesMs.toSorted((a, b) => a - b);
  const reduced = isReduced ? { isReduced: true as const } : {};
  return [
    { ...some('check-ins', seen.checkIns), ...reduced },
    shown('check-ins a second', (1_000 * seen.checkIns) / tookMs, '1/s'),
    some('gateways stopped and started again, in rolling upgrades', upgrades),
    some('gateways lost by kill -9', kills),
    shown('attempts lost, each tried again on a new connection', seen.attemptsLost, 'count'),
    shown('check-ins that needed a further attempt', seen.retried, 'count'),
    {
      figure: 'check-ins that no attempt of four brought an answer to',
      value: seen.failed,
      unit: 'count',
      goal: '<= 1 in 10,000',
      holds: share <= FAILED_SHARE_MAX,
    },
    some('permits acknowledged', seen.permitIds.size),
    none('of these, missing from the ledger', permitsLost),
    some('reports acknowledged', seen.reportKeys.size),
    none('of these, missing from the log', reportsLost),
    some('offers', seen.offers),
    none('downloads that never started', seen.downloadsFailed),
    shown('from the offer to the first byte, median', quantile(starts, 0.5), 'ms'),
    {
      figure: 'from the offer to the first byte, 99 %',
      value: quantile(starts, 0.99),
      unit: 'ms',
      goal: `< ${DOWNLOAD_START_P99_MS} ms`,
      holds: quantile(starts, 0.99) < DOWNLOAD_START_P99_MS,
    },
    shown('check-in with its further attempts, 99 %', quantile(latencies, 0.99), 'ms'),
    shown('check-in with its further attempts, longest', quantile(latencies, 1), 'ms'),
  ];
}

function quantile(ascending: readonly number[], share: number): number {
  return ascending[Math.min(ascending.length - 1, Math.ceil(share * ascending.length) - 1)] ?? Number.POSITIVE_INFINITY;
}

function shown(figure: string, value: number, unit: string): Figure {
  return { figure, value, unit, goal: 'shown', holds: true };
}

function none(figure: string, value: number): Figure {
  return { figure, value, unit: 'count', goal: '0', holds: value === 0 };
}

/** A proof that looked at nothing is none. */
function some(figure: string, value: number): Figure {
  return { figure, value, unit: 'count', goal: '> 0', holds: value > 0 };
}

// SPDX-License-Identifier: Apache-2.0
import type { CoinMetric } from '../evidence/evidence.ts';
import { lnEAa, type Stratum } from './e-process.ts';
import { coinTallyOf, type Tally } from './tally.ts';
import { AA_ALPHA, thresholdAa } from './thresholds.ts';

/**
 * The tests of the A/A monitor that have passed their threshold, each named for people: an alarm says that the arms are
 * not as the coin drew them, so that no comparison of them may widen anything. Source: design/decision.md, "A/A monitor".
 */
export function aaAlarms(tally: Tally): readonly string[] {
  const threshold = thresholdAa(AA_ALPHA);
  const tests = [
    { name: 'sample ratio of the arms', strata: tally.enrolled },
    { name: 'crashes before the permit request', strata: tally.before.crash },
    { name: 'silence before the permit request', strata: tally.before.silence },
    ...HALVED_METRICS.map((metric) => ({ name: `${metric} between halves of control`, strata: halves(tally, metric) })),
  ];
  return tests.flatMap(({ name, strata }) => {
    const lnE = lnEAa(strata);
    return lnE < threshold ? [] : [`${name}: ln E ${lnE.toFixed(2)} reached ${threshold.toFixed(2)}`];
  });
}

const HALVED_METRICS: readonly CoinMetric[] = ['silent24', 'silent72', 'crash24', 'sensor24'];

/** Control against control under a fair coin. */
function halves(tally: Tally, metric: CoinMetric): readonly Stratum[] {
  const [eventsTreated, eventsControl] = coinTallyOf(tally, metric).controlHalves;
  return [{ pi: 0.5, eventsTreated, eventsControl }];
}

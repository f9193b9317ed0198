// SPDX-License-Identifier: Apache-2.0
import { lnOddsRatio, lnOddsRatios, multipleGrid, type Stratum } from './e-process.ts';
import { lnBeta, logSumExp } from './log-math.ts';

/** Devices whose window has closed, and how many of them had the event. */
export interface ClosedEvents {
  readonly closed: number;
  readonly events: number;
}

/**
 * Upper bound on a rate that holds at all times at once with error `error`: the largest p that a beta(1/2, 1/2) mixture
 * does not refute. 1 with no data. Source: design/decision.md, "Formulae"; Robbins 1970.
 */
export function rateUpper(seen: ClosedEvents, error: number): number {
  return logistic(lnOddsUpper(seen, error));
}

/** Lower bound on a rate, from the same mixture and with the same error as `rateUpper`: both hold together. 0 with no event. */
export function rateLower({ closed, events }: ClosedEvents, error: number): number {
  return logistic(-lnOddsUpper({ closed, events: closed - events }, error));
}

/** Whether the upper bound lies at `rate`, in (0, 1), or below: one look at the mixture where the bound itself takes twenty. */
export function isRateBelow(rate: number, { closed, events }: ClosedEvents, error: number): boolean {
  const level = lnBeta(events + 0.5, closed - events + 0.5) - LN_PI + Math.log(error);
  const y = Math.log(rate / (1 - rate));
  // Convex in y, with its lowest point at the observed rate: right of that, and not negative, is right of the last root.
  const isRight = closed * rate > events;
  return isRight && level + closed * softplus(y) - events * y >= 0;
}

/** ln(p / (1 - p)) of the upper bound p: near 0 and near 1 alike it keeps every digit. Infinite with no data. */
function lnOddsUpper({ closed, events }: ClosedEvents, error: number): number {
  const without = closed - events;
  if (without === 0) return Number.POSITIVE_INFINITY;
  const level = lnBeta(events + 0.5, without + 0.5) - LN_PI + Math.log(error);
  // Most had the event: the root lies above 0, where this form is the one whose large parts do not cancel.
  const isHigh = events > without;
  // In y = ln(p / (1 - p)) the function is convex with slopes from -events to `without`: Newton from the right of the
  // root comes down to it and never passes it. There n ln(1 + e^y) - d y >= (n - d) y.
  let y = Math.max(0, -level / without);
  for (let round = 0; round < NEWTON_ROUNDS_MAX; round++) {
    const at = isHigh ? -y : y;
    // One exponential for both: softplus(at) and its derivative, logistic(at).
    const odds = Math.exp(at > 0 ? -at : at);
    const plus = at > 0 ? at + Math.log1p(odds) : Math.log1p(odds);
    const share = at >= 0 ? 1 / (1 + odds) : odds / (1 + odds);
    const value = isHigh ? level + closed * plus + without * y : level + closed * plus - events * y;
    const slope = isHigh ? without - closed * share : closed * share - events;
    const next = y - value / slope;
    if (!(next < y)) break;
    y = next;
  }
  return y;
}

/**
 * Upper bound on the odds ratio of treated to control events that holds at all times with error `error`. Infinite while
 * no control event has been seen: then nothing bounds it from above. Source: design/decision.md, "Formulae".
 */
export function thetaUpper(strata: readonly Stratum[], error: number): number {
  const withEvents = strata.filter((one) => one.eventsTreated + one.eventsControl > 0);
  if (!withEvents.some((one) => one.eventsControl > 0)) return Number.POSITIVE_INFINITY;
  const terms = lnOddsRatios(withEvents, 1, THETA_MULTIPLES);
  let best = gridPoint(0, 0);
  let bestTerm = Number.NEGATIVE_INFINITY;
  for (let at = 0; at < terms.length; at++) {
    // As many terms as points.
    const point = THETA_GRID[at] as GridPoint;
    const term = terms[at] as number;
    if (term > bestTerm) [best, bestTerm] = [point, term];
    terms[at] = term + point.lnWeight;
  }
  const level = logSumExp(terms) + Math.log(error);
  // In x = ln theta the likelihood is concave, and at the best grid point it is above the level, since the weights sum
  // to 1. So the last crossing lies to the right; Newton from beyond it comes down and never passes it.
  let x = best.lnTheta + 1;
  while (lnOddsRatio(withEvents, 1, Math.exp(x)) > level) {
    if (x > LN_THETA_MAX) return Number.POSITIVE_INFINITY;
    x += x - best.lnTheta;
  }
  for (let round = 0; round < NEWTON_ROUNDS_MAX; round++) {
    const next = x - (lnOddsRatio(withEvents, 1, Math.exp(x)) - level) / lnOddsSlope(withEvents, x);
    if (!(next < x)) break;
    x = next;
  }
  return Math.exp(x);
}

/** Lower bound on the odds ratio, as the inverse of the upper bound with the arms exchanged. 0 with no treated event. */
export function thetaLower(strata: readonly Stratum[], error: number): number {
  const exchanged = strata.map(({ pi, eventsTreated, eventsControl }) => ({
    pi: 1 - pi,
    eventsTreated: eventsControl,
    eventsControl: eventsTreated,
  }));
  return 1 / thetaUpper(exchanged, error);
}

/**
 * Upper bound on the harm per treated device in a metric that both arms can show: the excess over control, or all events
 * of the treated arm, whichever is smaller. 1 with no data.
 */
export function excessUpper(bounds: {
  readonly treatedUpper: number;
  readonly controlUpper: number;
  readonly thetaUpper: number;
}): number {
  return Math.min(bounds.treatedUpper, Math.max(bounds.thetaUpper - 1, 0) * bounds.controlUpper);
}

const LN_PI = Math.log(Math.PI);
/** A few straight rounds, then each doubles the digits: 22 were the most measured for rates of counts up to 1e9. */
const NEWTON_ROUNDS_MAX = 200;
/** e^300, and the next point tried, e^607 at most, are still numbers; a bound there bounds nothing. */
const LN_THETA_MAX = 300;

interface GridPoint {
  readonly lnTheta: number;
  readonly lnWeight: number;
}

/** Half of the weight on 41 points from 0.02 to 500, half on 91 close to 1, where most releases are. */
const THETA_GRID: readonly GridPoint[] = [
  ...Array.from({ length: 41 }, (_, k) =>
    gridPoint(Math.log(0.02) + (k / 40) * (Math.log(500) - Math.log(0.02)), 1 / 82),
  ),
  ...Array.from({ length: 91 }, (_, k) => gridPoint(0.005 * (k - 45), 1 / 182)),
];

/** The same points as multiples of even odds. */
const THETA_MULTIPLES = multipleGrid(THETA_GRID.map(({ lnTheta }) => Math.exp(lnTheta)));

function gridPoint(lnTheta: number, weight: number): GridPoint {
  return { lnTheta, lnWeight: Math.log(weight) };
}

/** d/dx of the log-likelihood at theta = e^x: treated events less those expected. */
function lnOddsSlope(strata: readonly Stratum[], lnTheta: number): number {
  let sum = 0;
  for (const { pi, eventsTreated, eventsControl } of strata) {
    const share = logistic(lnTheta + Math.log(pi / (1 - pi)));
    sum += eventsTreated - (eventsTreated + eventsControl) * share;
  }
  return sum;
}

function softplus(y: number): number {
  return y > 0 ? y + Math.log1p(Math.exp(-y)) : Math.log1p(Math.exp(y));
}

function logistic(y: number): number {
  if (y >= 0) return 1 / (1 + Math.exp(-y));
  const odds = Math.exp(y);
  return odds / (1 + odds);
}

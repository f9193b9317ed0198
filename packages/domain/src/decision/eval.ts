// SPDX-License-Identifier: Apache-2.0
import { assertNever } from '../kernel/assert.ts';
import { ok, type Result } from '../kernel/result.ts';
import { type ClosedEvents, excessUpper, rateUpper, thetaUpper } from './bounds.ts';
import { lnEAa, lnEBase, lnECoin, type Stratum } from './e-process.ts';
import { type DecisionError, verifyAll, verifyBaseRate, verifyCount, verifyGate } from './errors.ts';
import { thresholdAa, thresholdOverall, thresholdSegment } from './thresholds.ts';

/** Counts of one metric and the numbers of its gate, as someone who checks the rule by hand writes them down. */
export type EvalInput = BaseInput | CoinInput | AaInput;

/** A one-sample metric: permits, closed installations and events, whole numbers; the rest as in the plan. */
export interface BaseInput {
  readonly kind: 'base';
  readonly alpha: number;
  readonly weight: number;
  readonly segments: number;
  readonly baseRate: number;
  readonly open: number;
  readonly closed: number;
  readonly events: number;
  /** Error of the bound. */
  readonly error: number;
}

/** A metric that both arms can show: events per stratum for the evidence, closed windows per arm for the bounds. */
export interface CoinInput {
  readonly kind: 'coin';
  readonly alpha: number;
  readonly weight: number;
  readonly segments: number;
  readonly tolerance: number;
  readonly error: number;
  /** `pi` is the effective pi. */
  readonly strata: readonly Stratum[];
  readonly treated: ClosedEvents;
  readonly control: ClosedEvents;
}

/** One test of the A/A monitor; alpha is the share of all seven. */
export interface AaInput {
  readonly kind: 'aa';
  readonly alpha: number;
  readonly strata: readonly Stratum[];
}

/** One output for one input of the same kind; `halt` compares with the overall threshold. */
export type EvalOutput =
  | {
      readonly lnE: number;
      readonly thresholdOverall: number;
      readonly thresholdSegment: number;
      readonly upper: number;
      readonly halt: boolean;
    }
  | {
      readonly lnE: number;
      readonly thresholdOverall: number;
      readonly thresholdSegment: number;
      readonly treatedUpper: number;
      readonly controlUpper: number;
      /** null: without an event of the control arm nothing bounds it. */
      readonly thetaUpper: number | null;
      readonly excessUpper: number;
      readonly halt: boolean;
    }
  | { readonly lnE: number; readonly threshold: number; readonly alarm: boolean };

/** The rule on counts given by hand, in full double precision. Codes: count-impossible, gate-impossible. */
export function evaluate(input: EvalInput): Result<EvalOutput, DecisionError> {
  switch (input.kind) {
    case 'base':
      return evaluateBase(input);
    case 'coin':
      return evaluateCoin(input);
    case 'aa':
      return evaluateAa(input);
    default:
      return assertNever(input);
  }
}

function evaluateBase(input: BaseInput): Result<EvalOutput, DecisionError> {
  const { alpha, weight, segments, baseRate, open, closed, events, error } = input;
  const checked = verifyAll([
    ...gateChecks(input),
    verifyBaseRate('baseRate', baseRate),
    verifyCount('open', open),
    verifyCount('closed', closed, open),
    verifyCount('events', events, closed),
  ]);
  if (!checked.ok) return checked;
  const lnE = lnEBase({ baseRate, open, events });
  const threshold = thresholdOverall(alpha, weight);
  return ok({
    lnE,
    thresholdOverall: threshold,
    thresholdSegment: thresholdSegment(alpha, weight, segments),
    upper: rateUpper({ closed, events }, error),
    halt: lnE >= threshold,
  });
}

function evaluateCoin(input: CoinInput): Result<EvalOutput, DecisionError> {
  const { alpha, weight, segments, tolerance, error, strata, treated, control } = input;
  const checked = verifyAll([
    ...gateChecks(input),
    verifyGate('tolerance', tolerance, Number.POSITIVE_INFINITY),
    ...strataChecks(strata),
    ...closedChecks('treated', treated),
    ...closedChecks('control', control),
  ]);
  if (!checked.ok) return checked;
  const lnE = lnECoin({ tolerance, strata });
  const threshold = thresholdOverall(alpha, weight);
  const bounds = {
    treatedUpper: rateUpper(treated, error),
    controlUpper: rateUpper(control, error),
    thetaUpper: thetaUpper(strata, error),
  };
  return ok({
    lnE,
    thresholdOverall: threshold,
    thresholdSegment: thresholdSegment(alpha, weight, segments),
    treatedUpper: bounds.treatedUpper,
    controlUpper: bounds.controlUpper,
    thetaUpper: Number.isFinite(bounds.thetaUpper) ? bounds.thetaUpper : null,
    excessUpper: excessUpper(bounds),
    halt: lnE >= threshold,
  });
}

function evaluateAa({ alpha, strata }: AaInput): Result<EvalOutput, DecisionError> {
  const checked = verifyAll([verifyGate('alpha', alpha, 1), ...strataChecks(strata)]);
  if (!checked.ok) return checked;
  const lnE = lnEAa(strata);
  const threshold = thresholdAa(alpha);
  return ok({ lnE, threshold, alarm: lnE >= threshold });
}

type Check = Result<'verified', DecisionError>;

function gateChecks(input: BaseInput | CoinInput): readonly Check[] {
  return [
    verifyGate('alpha', input.alpha, 1),
    verifyGate('weight', input.weight, 1 + Number.EPSILON),
    verifyGate('error', input.error, 1),
    verifyCount('segments', input.segments),
    verifyGate('segments', input.segments, Number.POSITIVE_INFINITY),
  ];
}

function strataChecks(strata: readonly Stratum[]): readonly Check[] {
  return strata.flatMap((one, index) => [
    verifyGate(`strata[${index}].pi`, one.pi, 1),
    verifyCount(`strata[${index}].eventsTreated`, one.eventsTreated),
    verifyCount(`strata[${index}].eventsControl`, one.eventsControl),
  ]);
}

function closedChecks(arm: string, { closed, events }: ClosedEvents): readonly Check[] {
  return [verifyCount(`${arm}.closed`, closed), verifyCount(`${arm}.events`, events, closed)];
}

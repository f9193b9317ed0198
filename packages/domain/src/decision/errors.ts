// SPDX-License-Identifier: Apache-2.0
import type { Evidence } from '../evidence/evidence.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import type { RolloutPlan } from '../policy/rollout.ts';

/** A figure that cannot be computed: an error that a person sees, never a pass. Codes never change, texts may. */
export type DecisionError =
  /** A count that cannot be: negative, not whole, or more events than devices. */
  | { readonly code: 'count-impossible'; readonly field: string; readonly seen: number; readonly allowed: string }
  /** A number of the plan outside of what the formulae allow. */
  | { readonly code: 'gate-impossible'; readonly field: string; readonly seen: number; readonly allowed: string };

/** One sentence for people. */
export function decisionErrorText(error: DecisionError): string {
  const subject = error.code === 'count-impossible' ? 'A count that cannot be' : 'A gate that cannot be computed';
  return `${subject}: ${error.field} is ${error.seen}, allowed is ${error.allowed}`;
}

/** One value for all checks that pass. */
const VERIFIED = ok('verified' as const);

/** The largest base rate: from here on no alternative of the one-sample test is left (1.1 p0 <= 0.9). */
const BASE_RATE_LIMIT = 0.9 / 1.1;

/** Whether a number may be a count, of at most `atMost`. Code: count-impossible. */
export function verifyCount(
  field: string,
  seen: number,
  atMost: number = Number.MAX_SAFE_INTEGER,
): Result<'verified', DecisionError> {
  if (Number.isSafeInteger(seen) && seen >= 0 && seen <= atMost) return VERIFIED;
  const allowed = atMost < Number.MAX_SAFE_INTEGER ? `a whole number from 0 to ${atMost}` : 'a whole number from 0';
  return err({ code: 'count-impossible', field, seen, allowed });
}

/** Whether a number lies in (0, below). Code: gate-impossible. */
export function verifyGate(field: string, seen: number, below: number): Result<'verified', DecisionError> {
  if (seen > 0 && seen < below) return VERIFIED;
  const allowed = Number.isFinite(below) ? `between 0 and ${below}, both excluded` : 'above 0';
  return err({ code: 'gate-impossible', field, seen, allowed });
}

/** Whether a base rate leaves the one-sample test an alternative. Code: gate-impossible. */
export function verifyBaseRate(field: string, seen: number): Result<'verified', DecisionError> {
  return verifyGate(field, seen, BASE_RATE_LIMIT);
}

/** The first of the checks that failed. */
export function verifyAll(checks: Iterable<Result<'verified', DecisionError>>): Result<'verified', DecisionError> {
  for (const check of checks) if (!check.ok) return check;
  return VERIFIED;
}

/** Whether the rule can be computed from these counts under this plan at all. Codes: count-impossible, gate-impossible. */
export function verifyDecidable(plan: RolloutPlan, evidence: Evidence): Result<'verified', DecisionError> {
  // All that is well is seen at one look; only where something is not are the checks made by name.
  if (isPlausible(evidence)) return verifyAll(gateChecks(plan));
  return verifyAll([...gateChecks(plan), ...countChecks(evidence)]);
}

function isPlausible(evidence: Evidence): boolean {
  for (const { open, closed, events, confirmed } of evidence.base) {
    if (!(isCount(open) && isCount(closed) && closed <= open)) return false;
    if (!(isCount(events) && events <= closed && isCount(confirmed) && confirmed <= closed)) return false;
  }
  for (const { treated, control } of evidence.leftOut?.enrolments ?? []) {
    if (!(isCount(treated) && isCount(control))) return false;
  }
  for (const { pi, eventsTreated, eventsControl } of evidence.before ?? []) {
    if (!(pi > 0 && pi < 1 && isCount(eventsTreated) && isCount(eventsControl))) return false;
  }
  for (const { pi, eventsTreated, eventsControl, eventsControlFirstHalf: half } of evidence.coin) {
    if (!(pi > 0 && pi < 1 && isCount(eventsTreated) && isCount(eventsControl))) return false;
    if (!(isCount(half) && half <= eventsControl)) return false;
  }
  for (const { closed, events } of evidence.closed) {
    if (!(isCount(closed) && isCount(events) && events <= closed)) return false;
  }
  return true;
}

function isCount(seen: number): boolean {
  return Number.isSafeInteger(seen) && seen >= 0;
}

function* gateChecks(plan: RolloutPlan): Iterable<Result<'verified', DecisionError>> {
  yield verifyGate('alpha', plan.gates.alpha, 1);
  for (const gate of plan.gates.metrics) {
    yield verifyGate(`weight of ${gate.metric}`, gate.weight, WEIGHT_LIMIT);
    if (gate.kind === 'base') yield verifyBaseRate(`base rate of ${gate.metric}`, gate.baseRate);
    else yield verifyGate(`tolerance of ${gate.metric}`, gate.tolerance, Number.POSITIVE_INFINITY);
  }
}

function* countChecks(evidence: Evidence): Iterable<Result<'verified', DecisionError>> {
  for (const one of evidence.base) {
    yield verifyCount(`open of ${one.metric}`, one.open);
    yield verifyCount(`closed of ${one.metric}`, one.closed, one.open);
    yield verifyCount(`events of ${one.metric}`, one.events, one.closed);
    yield verifyCount(`confirmed of ${one.metric}`, one.confirmed, one.closed);
  }
  for (const one of evidence.leftOut?.enrolments ?? []) {
    yield verifyCount('treated left out', one.treated);
    yield verifyCount('control left out', one.control);
  }
  for (const one of evidence.before ?? []) {
    yield verifyGate(`pi of ${one.fact} before`, one.pi, 1);
    yield verifyCount(`treated with ${one.fact} before`, one.eventsTreated);
    yield verifyCount(`control with ${one.fact} before`, one.eventsControl);
  }
  for (const one of evidence.coin) {
    yield verifyGate(`pi of ${one.metric}`, one.pi, 1);
    yield verifyCount(`treated events of ${one.metric}`, one.eventsTreated);
    yield verifyCount(`control events of ${one.metric}`, one.eventsControl);
    yield verifyCount(`first half of control events of ${one.metric}`, one.eventsControlFirstHalf, one.eventsControl);
  }
  for (const one of evidence.closed) {
    yield verifyCount(`closed windows of ${one.metric}`, one.closed);
    yield verifyCount(`events in closed windows of ${one.metric}`, one.events, one.closed);
  }
}

/** A weight is a share of alpha; a metric alone may have all of it. */
const WEIGHT_LIMIT = 1 + Number.EPSILON;

// SPDX-License-Identifier: Apache-2.0
import type { Evidence } from '../evidence/evidence.ts';
import type { SegmentId } from '../kernel/ids.ts';
import { elapsedMs, MINUTE_MS } from '../kernel/time.ts';
import { type Exposure, populationOf } from '../policy/exposure.ts';
import type { RolloutPlan } from '../policy/rollout.ts';
import { aaAlarms } from './aa-monitor.ts';
import { breakerReason } from './breaker.ts';
import type { Decision, DecisionInput, MetricFigure, SegmentVerdict, Verdict } from './decision.ts';
import { decisionErrorText, verifyDecidable } from './errors.ts';
import { crossings, crossingText, overallFigures, segmentFigures } from './figures.ts';
import { planAfterRestarts } from './restart.ts';
import { shownRates } from './shown-rates.ts';
import { emptyTally, type Tally, tallyBySegment, tallyWithout } from './tally.ts';
import { widen } from './widen.ts';

/**
 * What the rule says at this instant: a verdict for each segment and one overall, with every figure that led to it and the
 * exposure to store. Halts and pauses come from evidence alone; missing data, late data and errors hold, and never widen.
 * With `onSegmentHalt: 'exclude-segment'` the counts of a halted segment leave the overall figures; with
 * `'halt-rollout'` a segment's halt is the overall verdict too. Source: design/decision.md.
 */
export function decide(approved: RolloutPlan, input: DecisionInput): Decision {
  const decision = decideWithoutShown(approved, input);
  return decision.overall.kind === 'complete' ? { ...decision, shown: shownRates(approved, input.evidence) } : decision;
}

/**
 * The same without what a finished rollout has shown, which steers nothing: for whoever plays rollouts by the thousand, where
 * it was a third of the time.
 */
export function decideWithoutShown(approved: RolloutPlan, input: DecisionInput): Decision {
  const { evidence, exposure, now } = input;
  const plan = planAfterRestarts(approved, evidence);
  const decidable = verifyDecidable(plan, evidence);
  if (!decidable.ok) return errorDecision(input, `error: ${decisionErrorText(decidable.error)}`);

  const tallies = tallyBySegment(evidence);
  const segments = judgeSegments(plan, input, tallies);
  const halted = new Set(segments.filter((one) => one.verdict.kind === 'halt').map((one) => one.segment));
  const tally = tallyWithout(evidence, halted);
  const figures = overallFigures(plan, tally);
  const stop = stopVerdict(plan, { evidence, figures, segments, known: new Set(input.haltedSegments) });
  const all = [...figures, ...segments.flatMap((one) => one.figures)];
  const shared = { rolloutId: evidence.rolloutId, at: now, segments: segments.map(verdictOf), figures: all };
  if (stop !== undefined) return { ...shared, overall: stop, exposure: { ...exposure, holdReason: stop.reason } };

  const hold = holdReason(input, tally);
  if (hold !== undefined && !exposure.isComplete) {
    return { ...shared, overall: { kind: 'hold', reason: hold }, exposure: { ...exposure, holdReason: hold } };
  }
  const held = new Set(segments.filter((one) => one.verdict.kind === 'hold').map((one) => one.segment));
  const widened = widen({ plan, input, tally, tallies, figures: all, halted, held });
  const isWidening = input.isStopOnly === undefined;
  return {
    ...shared,
    overall: widened.verdict,
    exposure: isWidening ? widened.exposure : withReason(exposure, widened.exposure),
  };
}

/** Evidence older than this is late: ticks are a minute apart, or the ten minutes of a conductor's grid. */
const EVIDENCE_AGE_MAX_MS = 30 * MINUTE_MS;
/** A segment without any control is a failure of sampling, not bad luck, below this probability. */
const LN_BAD_LUCK = Math.log(0.001);

interface JudgedSegment extends SegmentVerdict {
  readonly figures: readonly MetricFigure[];
}

function judgeSegments(
  plan: RolloutPlan,
  { exposure, haltedSegments }: DecisionInput,
  tallies: ReadonlyMap<SegmentId, Tally>,
): readonly JudgedSegment[] {
  const known = new Set<SegmentId>(haltedSegments);
  const segmentCount = exposure.segments.length;
  return exposure.segments.map(({ segment }) => {
    const tally = tallies.get(segment) ?? emptyTally();
    const figures = segmentFigures(plan, tally, { segment, segmentCount });
    const verdict: Verdict = known.has(segment)
      ? { kind: 'halt', reason: 'Halted before' }
      : segmentVerdict(plan, tally, figures);
    return { segment, verdict, figures };
  });
}

function segmentVerdict(plan: RolloutPlan, tally: Tally, figures: readonly MetricFigure[]): Verdict {
  const crossed = crossings(plan, figures);
  const halting = crossed.filter((one) => one.onCross === 'halt');
  if (halting.length > 0) return { kind: 'halt', reason: listText(halting.map(crossingText)) };
  if (crossed.length > 0) return { kind: 'pause', reason: listText(crossed.map(crossingText)) };
  if (hasNoControl(tally)) return { kind: 'hold', reason: 'No device of this segment is in the control arm' };
  return { kind: 'admit', reason: 'No threshold is reached' };
}

/** What stops the rollout as a whole, if anything: a halt before a pause. */
function stopVerdict(plan: RolloutPlan, seen: StopEvidence): Verdict | undefined {
  const crossed = crossings(plan, seen.figures);
  const halts = crossed.filter((one) => one.onCross === 'halt').map(crossingText);
  const newlyHalted = seen.segments.filter((one) => one.verdict.kind === 'halt' && !seen.known.has(one.segment));
  const segmentTexts = newlyHalted.map((one) => one.verdict.reason);
  const isAllHalted = seen.segments.length > 0 && seen.segments.every((one) => one.verdict.kind === 'halt');
  const segmentsHalt = newlyHalted.length > 0 && plan.onSegmentHalt === 'halt-rollout';
  if (halts.length > 0 || isAllHalted || segmentsHalt) {
    return { kind: 'halt', reason: listText([...segmentTexts, ...halts, ...(isAllHalted ? ['all segments'] : [])]) };
  }
  const pauses = [
    ...seen.segments.filter((one) => one.verdict.kind === 'pause').map((one) => one.verdict.reason),
    ...crossed.map(crossingText),
  ];
  const breaker = breakerReason(seen.evidence);
  if (breaker !== undefined) pauses.push(breaker);
  return pauses.length > 0 ? { kind: 'pause', reason: listText(pauses) } : undefined;
}

interface StopEvidence {
  readonly evidence: Evidence;
  readonly figures: readonly MetricFigure[];
  readonly segments: readonly JudgedSegment[];
  /** Halted before this decision. */
  readonly known: ReadonlySet<SegmentId>;
}

/** Why nothing may widen now, whatever the bounds say. */
function holdReason({ evidence, exposure, now }: DecisionInput, tally: Tally): string | undefined {
  if (populationOf(exposure) === 0) return 'No device is in the audience';
  if (elapsedMs(evidence.asOf, now) > EVIDENCE_AGE_MAX_MS) return 'The evidence is more than 30 minutes old';
  const alarms = aaAlarms(tally);
  return alarms.length > 0 ? `The arms are not as the coin drew them: ${alarms.join('; ')}` : undefined;
}

function hasNoControl(tally: Tally): boolean {
  if (tally.enrolled.some((one) => one.eventsControl > 0)) return false;
  return tally.enrolled.reduce((lnLuck, one) => lnLuck + one.eventsTreated * Math.log(one.pi), 0) < LN_BAD_LUCK;
}

function errorDecision({ evidence, exposure, now }: DecisionInput, reason: string): Decision {
  const verdict: Verdict = { kind: 'hold', reason };
  return {
    rolloutId: evidence.rolloutId,
    at: now,
    overall: verdict,
    segments: exposure.segments.map(({ segment }) => ({ segment, verdict })),
    figures: [],
    exposure: { ...exposure, holdReason: reason },
  };
}

function verdictOf({ segment, verdict }: JudgedSegment): SegmentVerdict {
  return { segment, verdict };
}

function withReason(exposure: Exposure, { holdReason }: Exposure): Exposure {
  return holdReason === undefined ? exposure : { ...exposure, holdReason };
}

/** Reasons are stored as texts of 1,024 characters at most; a clause with the longest segment id has under 200. */
const CLAUSES_MAX = 5;

/** Clauses as one message: capital first. A release that fails everywhere crosses in every segment at once. */
function listText(clauses: readonly string[]): string {
  const more = clauses.length - CLAUSES_MAX;
  const text = [...clauses.slice(0, CLAUSES_MAX), ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}

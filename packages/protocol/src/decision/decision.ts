// SPDX-License-Identifier: Apache-2.0
import type {
  Decision,
  DecisionInput,
  MetricFigure,
  SegmentVerdict,
  StoredDecision,
  Verdict,
} from '@outrider/domain/decision/decision';
import type { RuleVersion } from '@outrider/domain/decision/rule';
import type { ShownRate } from '@outrider/domain/decision/shown-rates';
import { ok, type Result } from '@outrider/domain/kernel/result';
import type { FlagCount } from '@outrider/domain/policy/flags';
import type { MetricName } from '@outrider/domain/policy/rollout';
import { evidence } from '../evidence/evidence.ts';
import { encodeJson, parseText } from '../kernel/json-text.ts';
import { EVIDENCE_BYTES_MAX } from '../kernel/limits.ts';
import type { ParseError } from '../kernel/parse-error.ts';
import {
  finite,
  keyOf,
  listOf,
  literal,
  malformed,
  oneOf,
  optional,
  record,
  text,
  variant,
  whole,
} from '../kernel/reader.ts';
import { instant, rolloutId, segmentId } from '../kernel/values.ts';
import { exposure, SEGMENTS_MAX } from '../policy/exposure.ts';
import { segmentPopulations } from '../policy/policy-change.ts';

/** Figures: each of seven metrics overall and in every segment. */
const FIGURES_MAX = 7 * (SEGMENTS_MAX + 1);
/** Each of seven metrics overall and in its worst segment. */
const SHOWN_MAX = 14;
/** Verdicts of before reasons were kept short may list a clause for each metric in each segment. */
const VERDICT_CHARACTERS_MAX = 1_048_576;
/** Decisions on one page of the management API, those of its last instant included. */
const PAGE_DECISIONS_MAX = 4_096;
/** A page of decisions about a thousand segments each; longer ones are asked for with a smaller limit. */
const PAGE_BYTES_MAX = 256 * 1_048_576;

/** Writes what a decision was made from. JSON keeps each figure to the last digit (ECMA-262, Number::toString). */
export function encodeDecisionInput(input: DecisionInput): string {
  return encodeJson(input);
}

/** Reads what a decision was made from. Code: body-malformed. */
export function parseDecisionInput(body: string): Result<DecisionInput, ParseError> {
  return parseText(body, { noun: 'decision-input', bytesMax: EVIDENCE_BYTES_MAX, reader: decisionInput });
}

/** Writes a decision. */
export function encodeDecision(decision: Decision): string {
  return encodeJson(decision);
}

/** Reads a decision. JSON has no infinity, and no figure of the rule is one: `null` is refused. Code: body-malformed. */
export function parseDecision(body: string): Result<Decision, ParseError> {
  return parseText(body, { noun: 'decision', bytesMax: EVIDENCE_BYTES_MAX, reader: decision });
}

/** Reads a page of decisions as the management API answers it. Code: body-malformed. */
export function parseDecisionPage(body: string): Result<DecisionPage, ParseError> {
  return parseText(body, { noun: 'decisions', bytesMax: PAGE_BYTES_MAX, reader: decisionPage });
}

/** Decisions about one rollout, oldest first, each with its input. */
export interface DecisionPage {
  readonly items: readonly StoredDecision[];
}

const figureValue = finite({ min: -Number.MAX_VALUE, max: Number.MAX_VALUE });

/** Reads the name of a metric. */
export const metric = keyOf<MetricName>({
  revert: true,
  install: true,
  silent24: true,
  silent72: true,
  silent168: true,
  crash24: true,
  sensor24: true,
});

const reason = text({ charactersMax: VERDICT_CHARACTERS_MAX });

const verdict = variant<Verdict>({
  admit: record<Of<'admit'>>({ kind: literal('admit'), reason }),
  hold: record<Of<'hold'>>({ kind: literal('hold'), reason }),
  pause: record<Of<'pause'>>({ kind: literal('pause'), reason }),
  halt: record<Of<'halt'>>({ kind: literal('halt'), reason }),
  complete: record<Of<'complete'>>({ kind: literal('complete'), reason }),
});

type Of<Kind extends Verdict['kind']> = Extract<Verdict, { readonly kind: Kind }>;

const figure = record<MetricFigure>({
  metric,
  segment: optional(segmentId),
  lnE: figureValue,
  threshold: figureValue,
  harmUpper: figureValue,
});

const count = whole({ min: 0 });
const chance = finite({ min: 0, max: 1 });

/** Reads what a rollout has shown of one metric. */
export const shownRate = record<ShownRate>({
  metric,
  kind: oneOf(['rate', 'excess']),
  segment: optional(segmentId),
  closed: count,
  events: count,
  unheard: optional(count),
  lower: chance,
  upper: chance,
  verdict: oneOf(['within-goal', 'above-goal', 'not-shown']),
  closedNeeded: optional(count),
});

const decision = record<Decision>({
  rolloutId,
  at: instant,
  overall: verdict,
  segments: listOf(record<SegmentVerdict>({ segment: segmentId, verdict }), { countMax: SEGMENTS_MAX }),
  figures: listOf(figure, { countMax: FIGURES_MAX }),
  exposure,
  shown: optional(listOf(shownRate, { countMax: SHOWN_MAX })),
});

const decisionInput = record<DecisionInput>({
  evidence,
  exposure,
  now: instant,
  haltedSegments: optional(listOf(segmentId, { countMax: SEGMENTS_MAX })),
  flags: optional(record<FlagCount>({ operators: count, drivers: count })),
  haltedPopulations: optional(segmentPopulations),
  limitDevices: optional(count),
  isStopOnly: optional(isTrue),
  rule: optional(ruleVersion),
});

const decisionPage = record<DecisionPage>({
  items: listOf(record<StoredDecision>({ input: decisionInput, decision }), { countMax: PAGE_DECISIONS_MAX }),
});

/** A decision of a newer rule cannot be replayed here, so it is not read as one. */
function ruleVersion(value: unknown): Result<RuleVersion, ParseError> {
  return value === 1 || value === 2 ? ok(value) : malformed(value, 'the rule 1 or 2');
}

/** A mark that is there or not. */
function isTrue(value: unknown): Result<true, ParseError> {
  return value === true ? ok(true) : malformed(value, 'true, or no field at all');
}

// SPDX-License-Identifier: Apache-2.0
import type { ClosedEvents } from '@outrider/domain/decision/bounds';
import type { Stratum } from '@outrider/domain/decision/e-process';
import { decisionErrorText } from '@outrider/domain/decision/errors';
import { type AaInput, type BaseInput, type CoinInput, type EvalInput, evaluate } from '@outrider/domain/decision/eval';
import { parseText } from '@outrider/protocol/kernel/json-text';
import { DOCUMENT_BYTES_MAX } from '@outrider/protocol/kernel/limits';
import { describeParseError } from '@outrider/protocol/kernel/parse-error';
import { finite, listOf, literal, record, variant, whole } from '@outrider/protocol/kernel/reader';

/** One line of `decision eval`: what to print for it, and whether the rule could be computed. */
export interface EvalLine {
  readonly text: string;
  readonly isComputed: boolean;
}

/** Answers one JSON line with one JSON line, numbers in full double precision; an error is a line as well. */
export function evalLine(line: string): EvalLine {
  const input = parseText(line, { noun: 'input', bytesMax: DOCUMENT_BYTES_MAX, reader: evalInput });
  if (!input.ok) return errorLine(input.error.code, describeParseError(input.error));
  const output = evaluate(input.value);
  if (!output.ok) return errorLine(output.error.code, decisionErrorText(output.error));
  return { text: JSON.stringify(output.value), isComputed: true };
}

function errorLine(code: string, message: string): EvalLine {
  return { text: JSON.stringify({ error: { code, message } }), isComputed: false };
}

/** Ranges are the rule's own to judge: here a number only has to be one. */
const number = finite({ min: -Number.MAX_VALUE, max: Number.MAX_VALUE });
const count = whole({ min: 0 });
/** A rollout has a handful of strata: pairs of pi levels. */
const STRATA_MAX = 1_000;

const strata = listOf(record<Stratum>({ pi: number, eventsTreated: count, eventsControl: count }), {
  countMax: STRATA_MAX,
});
const closedEvents = record<ClosedEvents>({ closed: count, events: count });

const evalInput = variant<EvalInput>({
  base: record<BaseInput>({
    kind: literal('base'),
    alpha: number,
    weight: number,
    segments: count,
    baseRate: number,
    open: count,
    closed: count,
    events: count,
    error: number,
  }),
  coin: record<CoinInput>({
    kind: literal('coin'),
    alpha: number,
    weight: number,
    segments: count,
    tolerance: number,
    error: number,
    strata,
    treated: closedEvents,
    control: closedEvents,
  }),
  aa: record<AaInput>({ kind: literal('aa'), alpha: number, strata }),
});

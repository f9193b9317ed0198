// SPDX-License-Identifier: Apache-2.0
import type { Verdict } from '@outrider/domain/decision/decision';
import {
  type DecisionPoint,
  HISTORY_FIGURES_MAX,
  HISTORY_POINTS_MAX,
  type PointFigure,
} from '@outrider/domain/decision/history';
import type { Result } from '@outrider/domain/kernel/result';
import { parseText } from '../kernel/json-text.ts';
import { EVIDENCE_BYTES_MAX } from '../kernel/limits.ts';
import type { ParseError } from '../kernel/parse-error.ts';
import { finite, keyOf, listOf, optional, record, whole } from '../kernel/reader.ts';
import { instant, segmentId } from '../kernel/values.ts';
import { metric } from './decision.ts';

/** Decisions of one rollout as points of curves, oldest first: `GET /api/v1/rollouts/<id>/history`. */
export interface DecisionHistory {
  readonly items: readonly DecisionPoint[];
}

/** Reads the curves of a rollout. Code: body-malformed. */
export function parseDecisionHistory(body: string): Result<DecisionHistory, ParseError> {
  return parseText(body, { noun: 'history', bytesMax: EVIDENCE_BYTES_MAX, reader: history });
}

const count = whole({ min: 0 });
const figureValue = finite({ min: -Number.MAX_VALUE, max: Number.MAX_VALUE });

const history = record<DecisionHistory>({
  items: listOf(
    record<DecisionPoint>({
      at: instant,
      kind: keyOf<Verdict['kind']>({ admit: true, hold: true, pause: true, halt: true, complete: true }),
      waveIndex: count,
      pi: finite({ min: 0, max: 1 }),
      cap: count,
      granted: count,
      figures: listOf(
        record<PointFigure>({ metric, segment: optional(segmentId), lnE: figureValue, threshold: figureValue }),
        { countMax: HISTORY_FIGURES_MAX },
      ),
    }),
    { countMax: HISTORY_POINTS_MAX },
  ),
});

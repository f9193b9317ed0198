// SPDX-License-Identifier: Apache-2.0
import type { MetricFigure } from '@outrider/domain/decision/decision';
import type { Delta } from '@outrider/domain/delta/delta';
import type { BaseCount, ClosedCount, EnrolmentCount, Evidence } from '@outrider/domain/evidence/evidence';
import type { LedgerOutcome } from '@outrider/domain/gateway/ledger';
import type { Report } from '@outrider/domain/gateway/report';
import type { CharterDocument } from '@outrider/domain/policy/charter';
import type { Exposure } from '@outrider/domain/policy/exposure';
import type { PolicyEntry } from '@outrider/domain/policy/log';
import type { Rollout } from '@outrider/domain/policy/rollout';
import { ROLLOUT_TABLE } from '@outrider/domain/policy/rollout-table';
import { metric } from '@outrider/protocol/decision/decision';
import { coinMetric } from '@outrider/protocol/evidence/evidence';
import { ledgerOutcome } from '@outrider/protocol/gateway/ledger';
import { report } from '@outrider/protocol/gateway/report';
import {
  bool,
  finite,
  keyOf,
  listOf,
  literal,
  optional,
  type Reader,
  record,
  text,
  whole,
} from '@outrider/protocol/kernel/reader';
import { bytes, segmentId, sha256 } from '@outrider/protocol/kernel/values';
import { charter } from '@outrider/protocol/policy/charter';
import { exposure } from '@outrider/protocol/policy/exposure';
import { policyEntry } from '@outrider/protocol/policy/policy-change';

/** `GET /rollouts/<id>`, as far as a conductor looks at it; the rest is left out. */
export interface RolloutAnswer {
  readonly rollout: Pick<Rollout, 'state' | 'reason' | 'haltedSegments'>;
  readonly exposure?: Exposure;
  readonly evidence?: Pick<Evidence, 'base' | 'closed' | 'enrolments'>;
  readonly decision?: { readonly figures: readonly MetricFigure[] };
}

/** `GET /rollouts/<id>/charter` of a draft. */
export const charterAnswer = record<{ readonly draft: CharterDocument }>({ draft: charter });

/** Rows of one page; the API gives at most a thousand. */
export const PAGE = 1_000;
/** Figures and counts: some ten metrics in a handful of segments, two arms and strata. */
const COUNTS_MAX = 20_000;
const DELTAS_MAX = 1_000;

const count = whole({ min: 0 });
const share = finite({ min: 0, max: 1 });
const figure = finite({ min: -Number.MAX_VALUE, max: Number.MAX_VALUE });
const arm = keyOf<'treated' | 'control'>({ treated: true, control: true });

const evidence = record<NonNullable<RolloutAnswer['evidence']>>({
  base: listOf(
    record<BaseCount>({
      metric: keyOf<BaseCount['metric']>({ revert: true, install: true }),
      segment: segmentId,
      open: count,
      closed: count,
      events: count,
      confirmed: count,
    }),
    { countMax: COUNTS_MAX },
  ),
  closed: listOf(record<ClosedCount>({ metric: coinMetric, segment: segmentId, arm, closed: count, events: count }), {
    countMax: COUNTS_MAX,
  }),
  enrolments: listOf(record<EnrolmentCount>({ segment: segmentId, pi: share, treated: count, control: count }), {
    countMax: COUNTS_MAX,
  }),
});

export const rolloutAnswer: Reader<RolloutAnswer> = record<RolloutAnswer>({
  rollout: record<RolloutAnswer['rollout']>({
    state: keyOf(ROLLOUT_TABLE),
    reason: text({ charactersMax: 4_096 }),
    haltedSegments: listOf(segmentId, { countMax: COUNTS_MAX }),
  }),
  exposure: optional(exposure),
  evidence: optional(evidence),
  decision: optional(
    record<NonNullable<RolloutAnswer['decision']>>({
      figures: listOf(
        record<MetricFigure>({
          metric,
          segment: optional(segmentId),
          lnE: figure,
          threshold: figure,
          harmUpper: share,
        }),
        { countMax: COUNTS_MAX },
      ),
    }),
  ),
});

/** `GET /releases/<id>`, of which only the deltas matter here. */
export const releaseAnswer = record<{ readonly deltas: readonly Delta[] }>({
  deltas: listOf(
    record<Delta>({ fromDigest: sha256, toDigest: sha256, format: literal('zstd-patch-1'), digest: sha256, bytes }),
    { countMax: DELTAS_MAX },
  ),
});

export const ledgerPage = record<{ readonly items: readonly LedgerOutcome[] }>({
  items: listOf(ledgerOutcome, { countMax: PAGE }),
});

/** Of a report's row only the report itself. */
export const reportPage = record<{ readonly items: readonly ReportItem[] }>({
  items: listOf(record<ReportItem>({ report, position: count }), { countMax: PAGE }),
});

export interface ReportItem {
  readonly report: Report;
  readonly position: number;
}

/** The policy log is a few entries for each rollout. */
export const policyEntries = record<{ readonly items: readonly PolicyEntry[] }>({
  items: listOf(policyEntry, { countMax: COUNTS_MAX }),
});

export const stepAnswer = record<{ readonly handled: number }>({ handled: count });

export const statusAnswer = record<{ readonly fleetTime: number; readonly handled: number }>({
  fleetTime: count,
  handled: count,
});

/** Of a recount what says whether it holds, and how much was counted. */
export interface RecountAnswer {
  readonly isEqual: boolean;
  readonly rows: number;
  readonly reports: number;
}

export const recountAnswer = record<RecountAnswer>({ isEqual: bool, rows: count, reports: count });

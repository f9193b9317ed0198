// SPDX-License-Identifier: Apache-2.0
import type {
  BaseCount,
  BeforeCount,
  ClosedCount,
  CoinCount,
  CoinMetric,
  EnrolmentCount,
  Evidence,
  FactBefore,
  LeftOut,
  RecentEnds,
} from '@outrider/domain/evidence/evidence';
import type { Arm } from '@outrider/domain/gateway/ledger';
import type { Result } from '@outrider/domain/kernel/result';
import { encodeJson, parseText } from '../kernel/json-text.ts';
import { EVIDENCE_BYTES_MAX } from '../kernel/limits.ts';
import type { ParseError } from '../kernel/parse-error.ts';
import { finite, keyOf, listOf, oneOf, optional, record, whole } from '../kernel/reader.ts';
import { instant, rolloutId, segmentId } from '../kernel/values.ts';
import { excludedDevices } from '../policy/policy-change.ts';

/** Counts of one kind: a thousand segments, each with five metrics in every pair of two of the six levels of the coin. */
const COUNTS_MAX = 131_072;
/** Slots of ten minutes that are remembered: two are, and a few more may be one day. */
const SLOTS_MAX = 64;

/** Writes the counts of one rollout. */
export function encodeEvidence(evidence: Evidence): string {
  return encodeJson(evidence);
}

/** Reads the counts of one rollout. Code: body-malformed. */
export function parseEvidence(body: string): Result<Evidence, ParseError> {
  return parseText(body, { noun: 'evidence', bytesMax: EVIDENCE_BYTES_MAX, reader: evidence });
}

const count = whole({ min: 0 });
const pi = finite({ min: 0, max: 1 });
const arm = keyOf<Arm>({ treated: true, control: true });
/** Reads the name of a metric that compares the arms. */
export const coinMetric = keyOf<CoinMetric>({
  silent24: true,
  silent72: true,
  silent168: true,
  crash24: true,
  sensor24: true,
});

const baseCount = record<BaseCount>({
  metric: oneOf(['revert', 'install']),
  segment: segmentId,
  open: count,
  closed: count,
  events: count,
  confirmed: count,
});

const coinCount = record<CoinCount>({
  metric: coinMetric,
  segment: segmentId,
  pi,
  eventsTreated: count,
  eventsControl: count,
  eventsControlFirstHalf: count,
});

const closedCount = record<ClosedCount>({ metric: coinMetric, segment: segmentId, arm, closed: count, events: count });
const enrolmentCount = record<EnrolmentCount>({ segment: segmentId, pi, treated: count, control: count });
const fact = keyOf<FactBefore>({ crash: true, silence: true });
const beforeCount = record<BeforeCount>({ fact, segment: segmentId, pi, eventsTreated: count, eventsControl: count });
const recentEnds = record<RecentEnds>({ slotEndsAt: instant, ended: count, reverted: count });

const leftOut = record<LeftOut>({
  deviceIds: excludedDevices,
  restartedAt: optional(instant),
  restarts: count,
  enrolments: listOf(enrolmentCount, { countMax: COUNTS_MAX }),
});

/** Reads evidence inside another document. */
export const evidence = record<Evidence>({
  rolloutId,
  asOf: instant,
  base: listOf(baseCount, { countMax: COUNTS_MAX }),
  coin: listOf(coinCount, { countMax: COUNTS_MAX }),
  closed: listOf(closedCount, { countMax: COUNTS_MAX }),
  enrolments: listOf(enrolmentCount, { countMax: COUNTS_MAX }),
  before: optional(listOf(beforeCount, { countMax: COUNTS_MAX })),
  lastEnrolledAt: optional(instant),
  recent: listOf(recentEnds, { countMax: SLOTS_MAX }),
  installRestartedAt: optional(instant),
  leftOut: optional(leftOut),
});

// SPDX-License-Identifier: Apache-2.0
import type { Result } from '@outrider/domain/kernel/result';
import type { Gates, MetricGate, RolloutPlan, Wave } from '@outrider/domain/policy/rollout';
import { encodeJson, parseText } from '../kernel/json-text.ts';
import { DOCUMENT_BYTES_MAX } from '../kernel/limits.ts';
import type { ParseError } from '../kernel/parse-error.ts';
import { finite, listOf, literal, oneOf, optional, record, variant, whole } from '../kernel/reader.ts';
import { duration, label, releaseId, rolloutId } from '../kernel/values.ts';
import { attributeName, audience } from './audience.ts';

/** Waves of one rollout: nine are common, more than this is a schedule, not a plan. */
export const WAVES_MAX = 32;
const RING_TAGS_MAX = 16;
/** More than this many drivers would be the tests' to notice. */
const DRIVER_FLAGS_MAX = 100;
/** Each metric once. */
const METRICS_MAX = 7;
/** Ratios of arms: beyond a thousand no gate means anything. */
const TOLERANCE_MAX = 1_000;

/** Writes a rollout's plan. */
export function encodeRolloutPlan(plan: RolloutPlan): string {
  return encodeJson(plan);
}

/** Reads a rollout's plan; the rules between its fields are `validatePlan`'s. Code: body-malformed. */
export function parseRolloutPlan(body: string): Result<RolloutPlan, ParseError> {
  return parseText(body, { noun: 'rollout-plan', bytesMax: DOCUMENT_BYTES_MAX, reader: rolloutPlan });
}

const wave = record<Wave>({
  name: label,
  ringTags: listOf(label, { countMax: RING_TAGS_MAX }),
  exposurePermille: whole({ min: 0, max: 1_000 }),
  bakeMs: duration,
});

const onCross = oneOf(['halt', 'pause']);
const share = finite({ min: 0, max: 1 });

const metricGate = variant<MetricGate>({
  base: record<Extract<MetricGate, { readonly kind: 'base' }>>({
    kind: literal('base'),
    metric: oneOf(['revert', 'install']),
    weight: share,
    baseRate: share,
    windowMs: duration,
    onCross,
  }),
  coin: record<Extract<MetricGate, { readonly kind: 'coin' }>>({
    kind: literal('coin'),
    metric: oneOf(['silent24', 'silent72', 'silent168', 'crash24', 'sensor24']),
    weight: share,
    tolerance: finite({ min: 0, max: TOLERANCE_MAX }),
    windowMs: duration,
    onCross,
  }),
});

const gates = record<Gates>({
  alpha: share,
  metrics: listOf(metricGate, { countMax: METRICS_MAX }),
  budgetDevices: optional(whole({ min: 0 })),
  profile: oneOf(['careful', 'standard', 'fast']),
});

/** Reads a plan inside another document. */
export const rolloutPlan = record<RolloutPlan>({
  rolloutId,
  deviceType: label,
  releaseId,
  audience,
  salt: label,
  segmentBy: attributeName,
  waves: listOf(wave, { countMax: WAVES_MAX }),
  gates,
  onSegmentHalt: oneOf(['exclude-segment', 'halt-rollout']),
  onHalt: oneOf(['roll-back', 'stay']),
  driverFlagsToPause: optional(whole({ min: 1, max: DRIVER_FLAGS_MAX })),
  ddiReportsCounted: optional(listOf(oneOf(['certificate', 'target-token', 'gateway-token']), { countMax: 3 })),
  claimNeeds: optional(oneOf(['signature', 'manifest', 'quote'])),
  permitLifeMs: duration,
});

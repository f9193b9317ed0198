// SPDX-License-Identifier: Apache-2.0

import { ok, type Result } from '@outrider/domain/kernel/result';
import { EXCLUDED_DEVICES_MAX } from '@outrider/domain/policy/decide-change';
import type {
  ChangeSigner,
  Overrule,
  PolicyChange,
  PolicyEntry,
  ResumeOrder,
  Scope,
  SegmentPopulation,
} from '@outrider/domain/policy/log';
import type { RolloutEvent } from '@outrider/domain/policy/rollout';
import { ROLLOUT_TABLE } from '@outrider/domain/policy/rollout-table';
import { encodeJson, parseText } from '../kernel/json-text.ts';
import { DOCUMENT_BYTES_MAX, REASON_CHARACTERS_MAX } from '../kernel/limits.ts';
import type { ParseError } from '../kernel/parse-error.ts';
import {
  bool,
  keyOf,
  listOf,
  literal,
  malformed,
  oneOf,
  optional,
  type Reader,
  record,
  text,
  variant,
  whole,
} from '../kernel/reader.ts';
import { deviceId, instant, keyId, label, revision, rolloutId, segmentId } from '../kernel/values.ts';
import { envelope, SIGNATURES_MAX } from '../trust/envelope.ts';
import { audience } from './audience.ts';
import { signedCharter } from './charter.ts';
import { SEGMENTS_MAX } from './exposure.ts';
import { rolloutPlan } from './rollout-plan.ts';
import { exclusion, freeze } from './standing-orders.ts';

/** Writes one change of the policy. */
export function encodePolicyChange(change: PolicyChange): string {
  return encodeJson(change);
}

/** Reads one change of the policy; whether it is possible now is `decideChange`'s. Code: body-malformed. */
export function parsePolicyChange(body: string): Result<PolicyChange, ParseError> {
  return parseText(body, { noun: 'policy-change', bytesMax: DOCUMENT_BYTES_MAX, reader: policyChange });
}

/** Writes one entry of the policy log. */
export function encodePolicyEntry(entry: PolicyEntry): string {
  return encodeJson(entry);
}

/** Reads one entry of the policy log. Code: body-malformed. */
export function parsePolicyEntry(body: string): Result<PolicyEntry, ParseError> {
  return parseText(body, { noun: 'policy-entry', bytesMax: DOCUMENT_BYTES_MAX, reader: policyEntry });
}

/** Reads `global` or `region:<name>`. */
export function scope(value: unknown): Result<Scope, ParseError> {
  if (value === 'global') return ok('global');
  const region = label(
    typeof value === 'string' && value.startsWith(REGION_PREFIX) ? value.slice(REGION_PREFIX.length) : '',
  );
  return region.ok ? ok<Scope>(`region:${region.value}`) : malformed(value, 'global or region:<name>');
}

const REGION_PREFIX = 'region:';

const reason = text({ charactersMin: 1, charactersMax: REASON_CHARACTERS_MAX });

/** Reads an event of a rollout. */
export const rolloutEvent = keyOf<RolloutEvent>(ROLLOUT_TABLE.draft);

/** Findings about one plan: a base rate for each of two metrics. */
export const OVERRULES_MAX = 16;

/** Reads the findings that a person overrules, each with the reason. */
export const overrules = listOf(record<Overrule>({ finding: label, field: label, because: reason }), {
  countMax: OVERRULES_MAX,
});

/** Reads what approvers order with a resume. */
export const resumeOrder = record<ResumeOrder>({
  counts: oneOf(['continue', 'restart']),
  segments: listOf(segmentId, { countMax: SEGMENTS_MAX }),
  regions: optional(listOf(label, { countMax: SEGMENTS_MAX })),
});

/** Reads eligible devices by segment. */
export const segmentPopulations = listOf(
  record<SegmentPopulation>({ segment: segmentId, population: whole({ min: 0 }) }),
  {
    countMax: SEGMENTS_MAX,
  },
);

/** Reads the ids of devices whose reports count or do not. */
export const excludedDevices = listOf(deviceId, { countMax: EXCLUDED_DEVICES_MAX });

/** An order in an entry is the order and its kind; readers of records pass over the kind. */
function extended<Kind extends 'freeze-set' | 'exclusion-set', T>(kind: Kind, reader: Reader<T>) {
  return (value: unknown): Result<T & { readonly kind: Kind }, ParseError> => {
    const read = reader(value);
    return read.ok ? ok({ ...read.value, kind }) : read;
  };
}

const changeSigners = listOf(record<ChangeSigner>({ group: label, keyId, personId: optional(label) }), {
  countMax: SIGNATURES_MAX,
});

const policyChange = variant<PolicyChange>({
  'rollout-created': record<Of<'rollout-created'>>({
    kind: literal('rollout-created'),
    plan: rolloutPlan,
    overrules: optional(overrules),
  }),
  'rollout-event': record<Of<'rollout-event'>>({
    kind: literal('rollout-event'),
    rolloutId,
    event: rolloutEvent,
    reason,
    isIncludingRollback: optional(bool),
    overrules: optional(overrules),
    approval: optional(envelope),
    signers: optional(changeSigners),
    resumed: optional(resumeOrder),
  }),
  'rollout-chartered': record<Of<'rollout-chartered'>>({
    kind: literal('rollout-chartered'),
    rolloutId,
    charter: signedCharter,
    reason,
    signers: optional(changeSigners),
    overrules: optional(overrules),
  }),
  'rollout-limited': record<Of<'rollout-limited'>>({
    kind: literal('rollout-limited'),
    rolloutId,
    devices: optional(whole({ min: 0 })),
    reason,
  }),
  'segment-halted': record<Of<'segment-halted'>>({
    kind: literal('segment-halted'),
    rolloutId,
    segment: segmentId,
    reason,
  }),
  'rollout-flagged': record<Of<'rollout-flagged'>>({
    kind: literal('rollout-flagged'),
    rolloutId,
    severity: oneOf(['note', 'safety']),
    reason,
    deviceId: optional(deviceId),
    isTreated: optional(bool),
    region: optional(label),
  }),
  'region-halted': record<Of<'region-halted'>>({
    kind: literal('region-halted'),
    rolloutId,
    region: label,
    isRollingBack: optional(bool),
    populations: segmentPopulations,
    reason,
  }),
  'evidence-excluded': record<Of<'evidence-excluded'>>({
    kind: literal('evidence-excluded'),
    rolloutId,
    deviceIds: excludedDevices,
    reason,
  }),
  'evidence-included': record<Of<'evidence-included'>>({
    kind: literal('evidence-included'),
    rolloutId,
    deviceIds: excludedDevices,
    reason,
  }),
  'scope-paused': record<Of<'scope-paused'>>({
    kind: literal('scope-paused'),
    scope,
    reason,
    isIncludingRollback: optional(bool),
  }),
  'scope-resumed': record<Of<'scope-resumed'>>({ kind: literal('scope-resumed'), scope, reason }),
  'device-revoked': record<Of<'device-revoked'>>({ kind: literal('device-revoked'), deviceId, keyId, reason }),
  'freeze-set': extended('freeze-set', freeze),
  'freeze-lifted': record<Of<'freeze-lifted'>>({ kind: literal('freeze-lifted'), freezeId: label, reason }),
  'exclusion-set': extended('exclusion-set', exclusion),
  'exclusion-lifted': record<Of<'exclusion-lifted'>>({ kind: literal('exclusion-lifted'), exclusionId: label, reason }),
  'group-set': record<Of<'group-set'>>({
    kind: literal('group-set'),
    groupId: label,
    audience,
    reason,
    replaces: optional(revision),
  }),
  'group-removed': record<Of<'group-removed'>>({
    kind: literal('group-removed'),
    groupId: label,
    reason,
    replaces: revision,
  }),
  'device-reinstated': record<Of<'device-reinstated'>>({ kind: literal('device-reinstated'), deviceId, keyId, reason }),
});

/** Reads an entry of the policy log inside another document. */
export const policyEntry = record<PolicyEntry>({ revision, at: instant, author: label, change: policyChange });

type Of<Kind extends PolicyChange['kind']> = Extract<PolicyChange, { readonly kind: Kind }>;

// SPDX-License-Identifier: Apache-2.0
import type { Drift } from '@outrider/domain/decision/base-rates/drift';
import type { Evidence } from '@outrider/domain/evidence/evidence';
import type { OpenPermit } from '@outrider/domain/gateway/ports';
import type { Result } from '@outrider/domain/kernel/result';
import type { FleetInstant } from '@outrider/domain/kernel/time';
import type { Exclusion, Freeze } from '@outrider/domain/policy/freeze';
import type { PolicyEntry } from '@outrider/domain/policy/log';
import type { Wave } from '@outrider/domain/policy/rollout';
import { coinMetric, evidence } from '@outrider/protocol/evidence/evidence';
import { parseText } from '@outrider/protocol/kernel/json-text';
import type { ParseError } from '@outrider/protocol/kernel/parse-error';
import { finite, keyOf, listOf, oneOf, optional, record, text, whole } from '@outrider/protocol/kernel/reader';
import { deviceId, epoch, instant, permitId, rolloutId } from '@outrider/protocol/kernel/values';
import { policyEntry } from '@outrider/protocol/policy/policy-change';
import { exclusion, freeze } from '@outrider/protocol/policy/standing-orders';

/** What the page of one rollout asks beside the overview. */
export interface RolloutAnswer {
  readonly rollout: { readonly plan: { readonly waves: readonly Pick<Wave, 'name' | 'exposurePermille'>[] } };
  readonly evidence?: Evidence;
  readonly baseDrift?: readonly Drift[];
}

/** The receipt of a pause: who may still install. */
export interface Receipt {
  readonly revision: number;
  readonly at: FleetInstant;
  readonly openPermits?: readonly OpenPermit[];
}

/** Devices of a rollout by what keeps them where they are. */
export interface FleetExplanation {
  readonly at: FleetInstant;
  readonly devices: number;
  readonly groups: readonly CauseGroup[];
}

export interface CauseGroup {
  readonly cause: string;
  readonly sentence: string;
  readonly reason?: string;
  readonly devices: number;
}

interface ListOf<T> {
  readonly items: readonly T[];
}

type Read<T> = Result<T, ParseError>;

/** Evidence of a thousand segments is some megabytes. */
const ANSWER_BYTES_MAX = 67_108_864;
/** The lists of the management API are at most of a thousand; receipts of a large fleet may be longer. */
const ITEMS_MAX = 1_000_000;

export function parseRolloutAnswer(body: string): Read<RolloutAnswer> {
  return parseText(body, { noun: 'rollout', bytesMax: ANSWER_BYTES_MAX, reader: rolloutAnswer });
}

export function parseReceipt(body: string): Read<Receipt> {
  return parseText(body, { noun: 'receipt', bytesMax: ANSWER_BYTES_MAX, reader: receipt });
}

export function parseOpenPermits(body: string): Read<ListOf<OpenPermit>> {
  return parseText(body, { noun: 'open-permits', bytesMax: ANSWER_BYTES_MAX, reader: openPermitList });
}

export function parsePolicyEntries(body: string): Read<ListOf<PolicyEntry>> {
  return parseText(body, { noun: 'policy-entries', bytesMax: ANSWER_BYTES_MAX, reader: policyEntryList });
}

/** Freezes, as `/freezes` lists them. */
export function parseFreezes(body: string): Read<ListOf<Freeze>> {
  return parseText(body, { noun: 'freezes', bytesMax: ANSWER_BYTES_MAX, reader: freezeList });
}

/** Exclusions, as `/exclusions` lists them. */
export function parseExclusions(body: string): Read<ListOf<Exclusion>> {
  return parseText(body, { noun: 'exclusions', bytesMax: ANSWER_BYTES_MAX, reader: exclusionList });
}

export function parseFleetExplanation(body: string): Read<FleetExplanation> {
  return parseText(body, { noun: 'explanation', bytesMax: ANSWER_BYTES_MAX, reader: fleetExplanation });
}

const count = whole({ min: 0 });
const chance = finite({ min: 0, max: 1 });
const sentence = text({ charactersMax: 65_536 });

const drift = record<Drift>({
  metric: oneOf(['revert', 'install']),
  baseRate: chance,
  observed: chance,
  worst: chance,
  worstLower: chance,
  worstUpper: chance,
  level: keyOf<Drift['level']>({ calm: true, near: true, over: true, unknown: true }),
  change: optional(finite({ min: 0, max: Number.MAX_VALUE })),
});

const wave = record<Pick<Wave, 'name' | 'exposurePermille'>>({
  name: sentence,
  exposurePermille: whole({ min: 0, max: 1_000 }),
});

const rolloutAnswer = record<RolloutAnswer>({
  rollout: record<RolloutAnswer['rollout']>({
    plan: record<RolloutAnswer['rollout']['plan']>({ waves: listOf(wave, { countMax: 1_000 }) }),
  }),
  evidence: optional(evidence),
  baseDrift: optional(listOf(drift, { countMax: 16 })),
});

const openPermit = record<OpenPermit>({ permitId, deviceId, rolloutId, epoch, expiresAt: instant });

const openPermitList = record<ListOf<OpenPermit>>({ items: listOf(openPermit, { countMax: ITEMS_MAX }) });

const freezeList = record<ListOf<Freeze>>({ items: listOf(freeze, { countMax: ITEMS_MAX }) });

const exclusionList = record<ListOf<Exclusion>>({ items: listOf(exclusion, { countMax: ITEMS_MAX }) });

const policyEntryList = record<ListOf<PolicyEntry>>({ items: listOf(policyEntry, { countMax: ITEMS_MAX }) });

const receipt = record<Receipt>({
  revision: count,
  at: instant,
  openPermits: optional(listOf(openPermit, { countMax: ITEMS_MAX })),
});

const fleetExplanation = record<FleetExplanation>({
  at: instant,
  devices: count,
  groups: listOf(record<CauseGroup>({ cause: sentence, sentence, reason: optional(sentence), devices: count }), {
    countMax: 1_000,
  }),
});

/** Whether both arms can show a metric, so that treated and control are compared. */
export function isCoinMetric(metric: string): boolean {
  return coinMetric(metric).ok;
}

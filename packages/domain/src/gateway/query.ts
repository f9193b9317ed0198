// SPDX-License-Identifier: Apache-2.0
import type { DurationMs, FleetInstant } from '../kernel/time.ts';
import type { ReportedState } from './device-record.ts';

/** Which devices somebody asks for: a closed language of predicates over the registry. Written as text, see `parseQuery`. */
export type DeviceQuery =
  | { readonly kind: 'all' }
  | { readonly kind: 'and'; readonly of: readonly DeviceQuery[] }
  | { readonly kind: 'or'; readonly of: readonly DeviceQuery[] }
  | { readonly kind: 'not'; readonly of: DeviceQuery }
  | { readonly kind: 'text'; readonly field: QueryTextField; readonly in: readonly TextPattern[] }
  /** One of the device's tags is one of these. */
  | { readonly kind: 'tag'; readonly in: readonly TextPattern[] }
  | { readonly kind: 'state'; readonly in: readonly ReportedState[] }
  /** The version that runs, by SemVer precedence: build metadata says nothing. */
  | { readonly kind: 'version'; readonly order: QueryOrder; readonly than: string }
  | { readonly kind: 'counter'; readonly order: QueryOrder; readonly than: number }
  | {
      readonly kind: 'instant';
      readonly field: QueryInstantField;
      readonly order: QueryOrder;
      readonly than: FleetInstant;
    }
  /** How long ago the last contact was, at the instant of asking. */
  | { readonly kind: 'silence'; readonly order: QueryOrder; readonly thanMs: DurationMs };

/** A value, or all values with this beginning (`cam-*`). */
export interface TextPattern {
  readonly kind: 'exactly' | 'beginning';
  readonly text: string;
}

/** How two values of a field stand to each other. */
export type QueryOrder = '=' | '<' | '<=' | '>' | '>=';

/** Fields that hold one short text. */
export type QueryTextField = 'deviceId' | 'deviceType' | 'model' | 'hardwareId' | 'region' | 'customer' | 'carrier';

/** Fields that hold an instant of fleet time. */
export type QueryInstantField = 'lastContactAt' | 'registeredAt';

/** What may be written for a field; the kind decides which operators and values it takes. */
export const QUERY_FIELDS = {
  deviceId: { kind: 'text', field: 'deviceId' },
  id: { kind: 'text', field: 'deviceId' },
  deviceType: { kind: 'text', field: 'deviceType' },
  type: { kind: 'text', field: 'deviceType' },
  model: { kind: 'text', field: 'model' },
  hardwareId: { kind: 'text', field: 'hardwareId' },
  hardware: { kind: 'text', field: 'hardwareId' },
  region: { kind: 'text', field: 'region' },
  customer: { kind: 'text', field: 'customer' },
  carrier: { kind: 'text', field: 'carrier' },
  tag: { kind: 'tag', prefix: '' },
  cohort: { kind: 'tag', prefix: 'cohort:' },
  group: { kind: 'group' },
  version: { kind: 'version' },
  counter: { kind: 'counter' },
  state: { kind: 'state' },
  contact: { kind: 'instant', field: 'lastContactAt' },
  registered: { kind: 'instant', field: 'registeredAt' },
  silent: { kind: 'silence' },
} as const satisfies Readonly<Record<string, QueryField>>;

/** A cohort is a tag with this beginning: the named group that a device belongs to for releases. */
export const COHORT_TAG_PREFIX = QUERY_FIELDS.cohort.prefix;

/** One field of the language. */
export type QueryField =
  | { readonly kind: 'text'; readonly field: QueryTextField }
  | { readonly kind: 'tag'; readonly prefix: string }
  | { readonly kind: 'instant'; readonly field: QueryInstantField }
  | { readonly kind: 'version' | 'counter' | 'state' | 'silence' | 'group' };

/** What a group means, as a query; undefined: there is none of this name. */
export type GroupOf = (groupId: string) => DeviceQuery | undefined;

/** Longest query: percent-encoded it still fits into the 16 KiB head of a request, with room for a token. */
export const QUERY_CHARACTERS_MAX = 4_096;

/** Comparisons of one query: each is evaluated for each kind of device, a dozen is what people write. */
export const QUERY_COMPARISONS_MAX = 64;

/** Deepest nesting of brackets and `not`: bounds the recursion of every walk over a query. */
export const QUERY_DEPTH_MAX = 16;

/** Why a text is no query, and where. Code: query-malformed. */
export interface QueryError {
  readonly code: 'query-malformed';
  /** Of the first character of what was seen, counted from 1. */
  readonly column: number;
  readonly seen: string;
  readonly allowed: string;
}

/** The error as one sentence for people. */
export function describeQueryError({ column, seen, allowed }: QueryError): string {
  return `The query has ${seen} at column ${column}, allowed is ${allowed}`;
}

// SPDX-License-Identifier: Apache-2.0
import type {
  DeviceQuery,
  QueryInstantField,
  QueryOrder,
  QueryTextField,
  TextPattern,
} from '@outrider/domain/gateway/query';
import { assertNever } from '@outrider/domain/kernel/assert';
import { DAY_MS, type FleetInstant } from '@outrider/domain/kernel/time';

/** A condition in SQL over `device d` and `device_profile p`, and the values of its parameters. */
export interface SqlCondition {
  readonly text: string;
  readonly values: readonly unknown[];
}

/**
 * The query as a condition. Every value of it becomes a parameter, numbered after `firstParameter - 1`; the text is made of
 * the constants below alone, so that nothing that somebody typed is ever read as SQL.
 */
export function sqlConditionOf(query: DeviceQuery, now: FleetInstant, firstParameter: number = 1): SqlCondition {
  const values: unknown[] = [];
  function parameter(value: unknown, type: 'text' | 'text[]' | 'bigint' | 'integer'): string {
    values.push(value);
    return `$${firstParameter + values.length - 1}::${type}`;
  }
  const text = conditionOf(query, { now, parameter });
  return { text, values };
}

interface Writing {
  readonly now: FleetInstant;
  readonly parameter: (value: unknown, type: 'text' | 'text[]' | 'bigint' | 'integer') => string;
}

function conditionOf(query: DeviceQuery, writing: Writing): string {
  const { now, parameter } = writing;
  switch (query.kind) {
    case 'all':
      return 'true';
    case 'and':
      return `(${query.of.map((one) => conditionOf(one, writing)).join(' and ')})`;
    case 'or':
      return `(${query.of.map((one) => conditionOf(one, writing)).join(' or ')})`;
    case 'not':
      return `not ${conditionOf(query.of, writing)}`;
    case 'text':
      return anyPattern(query.in, writing, TEXT_COLUMNS[query.field]);
    case 'tag':
      return tagCondition(query.in, writing);
    case 'state':
      return `p.state = any (${parameter(query.in, 'text[]')})`;
    case 'version':
      return `p.version_key ${ORDERS[query.order]} version_key(${parameter(query.than, 'text')})`;
    case 'counter':
      return `p.release_counter ${ORDERS[query.order]} ${parameter(query.than, 'bigint')}`;
    case 'instant':
      return instantCondition(query.field, ORDERS[query.order], { ms: query.than, parameter });
    case 'silence':
      // Silent for longer is heard of earlier.
      return instantCondition('lastContactAt', TURNED[query.order], { ms: now - query.thanMs, parameter });
    default:
      return assertNever(query);
  }
}

function anyPattern(patterns: readonly TextPattern[], { parameter }: Writing, column: string): string {
  const exact = textsOf(patterns, 'exactly');
  const conditions = textsOf(patterns, 'beginning').map((beginning) => {
    const from = parameter(beginning, 'text');
    // No character of an id or an attribute comes after the tilde, so this is the range of one index.
    return `(${column} >= ${from} and ${column} < ${from} || '~')`;
  });
  if (exact.length > 0) conditions.push(`${column} = any (${parameter(exact, 'text[]')})`);
  return `(${conditions.join(' or ')})`;
}

function tagCondition(patterns: readonly TextPattern[], { parameter }: Writing): string {
  const exact = textsOf(patterns, 'exactly');
  const conditions = textsOf(patterns, 'beginning').map(
    (beginning) =>
      `exists (select from unnest(p.tags) as tag (name) where starts_with(tag.name, ${parameter(beginning, 'text')}))`,
  );
  if (exact.length > 0) conditions.push(`p.tags && ${parameter(exact, 'text[]')}`);
  return `(${conditions.join(' or ')})`;
}

function textsOf(patterns: readonly TextPattern[], kind: TextPattern['kind']): readonly string[] {
  return patterns.filter((one) => one.kind === kind).map((one) => one.text);
}

/** The day narrows by an index, the instant decides. */
function instantCondition(
  field: QueryInstantField,
  operator: string,
  { ms, parameter }: Pick<Writing, 'parameter'> & { readonly ms: number },
): string {
  if (field === 'registeredAt') return `d.registered_at ${operator} ${parameter(ms, 'bigint')}`;
  const day = operator.startsWith('<') ? '<=' : '>=';
  return (
    `(d.contact_day ${day} ${parameter(Math.floor(ms / DAY_MS), 'integer')}` +
    ` and d.last_contact_at ${operator} ${parameter(ms, 'bigint')})`
  );
}

const TEXT_COLUMNS: Readonly<Record<QueryTextField, string>> = {
  deviceId: 'd.device_id',
  deviceType: 'p.device_type',
  model: 'p.model',
  hardwareId: 'p.hardware_id',
  region: 'p.region',
  customer: 'p.customer',
  carrier: 'p.carrier',
};

const ORDERS: Readonly<Record<QueryOrder, string>> = { '=': '=', '<': '<', '<=': '<=', '>': '>', '>=': '>=' };

const TURNED: Readonly<Record<QueryOrder, string>> = { '=': '=', '<': '>', '<=': '>=', '>': '<', '>=': '<=' };

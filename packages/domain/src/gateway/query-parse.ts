// SPDX-License-Identifier: Apache-2.0
import { assertNever, present } from '../kernel/assert.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import { REPORTED_STATES } from './device-record.ts';
import {
  type DeviceQuery,
  type GroupOf,
  QUERY_COMPARISONS_MAX,
  QUERY_DEPTH_MAX,
  QUERY_FIELDS,
  type QueryError,
  type QueryField,
  type QueryOrder,
} from './query.ts';
import { type QueryToken, queryTokens } from './query-tokens.ts';
import {
  countOf,
  DURATION_ALLOWED,
  durationOf,
  INSTANT_ALLOWED,
  instantOf,
  PATTERN_ALLOWED,
  patternOf,
  stateOf,
  versionAllowed,
  versionOf,
} from './query-values.ts';

/**
 * Reads a query such as `cohort = A and version < 2.0 and not (region in (eu, us) or silent > 7d)`. An empty text asks for
 * all devices. `not` binds closer than `and`, `and` closer than `or`. A group stands for what `groupOf` says it means. Code:
 * query-malformed, with the column.
 */
export function parseQuery(text: string, groupOf: GroupOf = () => undefined): Result<DeviceQuery, QueryError> {
  const tokens = queryTokens(text);
  if (!tokens.ok) return tokens;
  const cursor: Cursor = { tokens: tokens.value, groupOf, index: 0, comparisons: 0 };
  if (peek(cursor).kind === 'end') return ok({ kind: 'all' });
  const query = anyOf(cursor, 0);
  if (!query.ok) return query;
  return peek(cursor).kind === 'end' ? query : unexpected(peek(cursor), 'and, or, or the end of the query');
}

type Parsed = Result<DeviceQuery, QueryError>;

/** Moves along the tokens; lives only as long as one call of `parseQuery`. */
interface Cursor {
  readonly tokens: readonly QueryToken[];
  readonly groupOf: GroupOf;
  index: number;
  comparisons: number;
}

function anyOf(cursor: Cursor, depth: number): Parsed {
  return chain(cursor, 'or', () => allOf(cursor, depth));
}

function allOf(cursor: Cursor, depth: number): Parsed {
  return chain(cursor, 'and', () => unary(cursor, depth));
}

function chain(cursor: Cursor, kind: 'and' | 'or', part: () => Parsed): Parsed {
  const of: DeviceQuery[] = [];
  do {
    const one = part();
    if (!one.ok) return one;
    of.push(one.value);
  } while (takeWord(cursor, kind));
  const [first] = of;
  return ok(of.length === 1 && first !== undefined ? first : { kind, of });
}

function unary(cursor: Cursor, depth: number): Parsed {
  const token = peek(cursor);
  const isDeeper = isWord(token, 'not') || isSign(token, '(');
  if (isDeeper && depth === QUERY_DEPTH_MAX)
    return unexpected(token, `at most ${QUERY_DEPTH_MAX} levels of brackets and not`);
  if (takeWord(cursor, 'not')) {
    const of = unary(cursor, depth + 1);
    return of.ok ? ok({ kind: 'not', of: of.value }) : of;
  }
  if (!takeSign(cursor, '(')) return comparison(cursor);
  const inner = anyOf(cursor, depth + 1);
  if (!inner.ok) return inner;
  return takeSign(cursor, ')') ? inner : unexpected(peek(cursor), 'and, or, or the closing bracket');
}

function comparison(cursor: Cursor): Parsed {
  const name = take(cursor);
  const field = name.kind === 'word' ? FIELDS.get(name.text) : undefined;
  if (field === undefined) return unexpected(name, `a field: one of ${[...FIELDS.keys()].join(' ')}`);
  cursor.comparisons++;
  if (cursor.comparisons > QUERY_COMPARISONS_MAX) {
    return unexpected(name, `at most ${QUERY_COMPARISONS_MAX} comparisons in one query`);
  }
  const isNot = takeWord(cursor, 'not');
  if (takeWord(cursor, 'in')) return negated(isNot, oneOf(cursor, field));
  const sign = take(cursor);
  const operators = operatorsOf(field);
  if (isNot || sign.kind !== 'sign' || !operators.includes(sign.text)) {
    return unexpected(sign, isNot ? 'in after not' : `one of ${operators.join(' ')} after ${name.text}`);
  }
  const order = ORDERS.get(sign.text) ?? '=';
  return negated(sign.text === '!=', leaf(cursor, field, order));
}

function oneOf(cursor: Cursor, field: QueryField): Parsed {
  if (!operatorsOf(field).includes('in')) {
    return unexpected(
      present(cursor.tokens[cursor.index - 1], 'the word in'),
      `one of ${operatorsOf(field).join(' ')}`,
    );
  }
  if (!takeSign(cursor, '(')) return unexpected(peek(cursor), 'an opening bracket after in');
  const of: DeviceQuery[] = [];
  do {
    const one = leaf(cursor, field, '=');
    if (!one.ok) return one;
    of.push(one.value);
  } while (takeSign(cursor, ','));
  if (!takeSign(cursor, ')')) return unexpected(peek(cursor), 'a comma or the closing bracket');
  return ok(joined(of, field));
}

/** Values of one text field become one list: a hundred of them cost one comparison. */
function joined(of: readonly DeviceQuery[], field: QueryField): DeviceQuery {
  const [first] = of;
  // What groups mean may begin alike and go on otherwise.
  if (field.kind === 'group') return { kind: 'or', of };
  if (first?.kind === 'text') return { ...first, in: of.flatMap((one) => (one.kind === 'text' ? one.in : [])) };
  if (first?.kind === 'tag') return { ...first, in: of.flatMap((one) => (one.kind === 'tag' ? one.in : [])) };
  if (first?.kind === 'state') return { ...first, in: of.flatMap((one) => (one.kind === 'state' ? one.in : [])) };
  return { kind: 'or', of };
}

function leaf(cursor: Cursor, field: QueryField, order: QueryOrder): Parsed {
  const token = take(cursor);
  const { text } = token;
  if (token.kind === 'sign' || token.kind === 'end') return unexpected(token, 'a value');
  switch (field.kind) {
    case 'text':
    case 'tag': {
      const pattern = patternOf(field.kind === 'tag' ? `${field.prefix}${text}` : text);
      if (pattern === undefined) return unexpected(token, PATTERN_ALLOWED);
      return ok(
        field.kind === 'tag' ? { kind: 'tag', in: [pattern] } : { kind: 'text', field: field.field, in: [pattern] },
      );
    }
    case 'group': {
      const group = cursor.groupOf(text);
      return group === undefined ? unexpected(token, 'the name of a group that there is') : ok(group);
    }
    case 'state': {
      const state = stateOf(text);
      return state === undefined
        ? unexpected(token, `a state: one of ${Object.keys(REPORTED_STATES).join(' ')}`)
        : ok({ kind: 'state', in: [state] });
    }
    case 'version': {
      const than = versionOf(text, order);
      return than === undefined ? unexpected(token, versionAllowed(order)) : ok({ kind: 'version', order, than });
    }
    case 'counter': {
      const than = countOf(text);
      return than === undefined ? unexpected(token, 'a whole number below 2^53') : ok({ kind: 'counter', order, than });
    }
    case 'instant': {
      const than = instantOf(text);
      return than === undefined
        ? unexpected(token, INSTANT_ALLOWED)
        : ok({ kind: 'instant', field: field.field, order, than });
    }
    case 'silence': {
      const thanMs = durationOf(text);
      return thanMs === undefined ? unexpected(token, DURATION_ALLOWED) : ok({ kind: 'silence', order, thanMs });
    }
    default:
      return assertNever(field);
  }
}

/** Instants and durations are never equal by intent, and words have no order. */
function operatorsOf({ kind }: QueryField): readonly string[] {
  if (kind === 'instant' || kind === 'silence') return ['<', '<=', '>', '>='];
  return kind === 'version' || kind === 'counter'
    ? ['=', '!=', '<', '<=', '>', '>=', 'in', 'not in']
    : ['=', '!=', 'in', 'not in'];
}

const FIELDS: ReadonlyMap<string, QueryField> = new Map(Object.entries(QUERY_FIELDS));

const ORDERS: ReadonlyMap<string, QueryOrder> = new Map(
  (['=', '<', '<=', '>', '>='] as const).map((order) => [order, order]),
);

function negated(isNot: boolean, query: Parsed): Parsed {
  return isNot && query.ok ? ok({ kind: 'not', of: query.value }) : query;
}

function peek({ tokens, index }: Cursor): QueryToken {
  return present(tokens[Math.min(index, tokens.length - 1)], 'an end after all tokens');
}

function take(cursor: Cursor): QueryToken {
  const token = peek(cursor);
  cursor.index++;
  return token;
}

function takeWord(cursor: Cursor, word: string): boolean {
  const isThere = isWord(peek(cursor), word);
  if (isThere) cursor.index++;
  return isThere;
}

function takeSign(cursor: Cursor, sign: string): boolean {
  const isThere = isSign(peek(cursor), sign);
  if (isThere) cursor.index++;
  return isThere;
}

function isWord({ kind, text }: QueryToken, word: string): boolean {
  return kind === 'word' && text.toLowerCase() === word;
}

function isSign({ kind, text }: QueryToken, sign: string): boolean {
  return kind === 'sign' && text === sign;
}

function unexpected({ kind, text, column }: QueryToken, allowed: string): Parsed {
  const shown = text.length > SEEN_CHARACTERS_MAX ? `${text.slice(0, SEEN_CHARACTERS_MAX)}...` : text;
  return err({ code: 'query-malformed', column, seen: kind === 'end' ? 'its end' : JSON.stringify(shown), allowed });
}

/** Longer than any field, state or operator. */
const SEEN_CHARACTERS_MAX = 40;

// SPDX-License-Identifier: Apache-2.0
import { err, ok, type Result } from '../kernel/result.ts';
import { QUERY_CHARACTERS_MAX, type QueryError } from './query.ts';

/** One word or sign of a query, and where it stands (columns are counted from 1). */
export interface QueryToken {
  readonly kind: 'word' | 'quoted' | 'sign' | 'end';
  readonly text: string;
  readonly column: number;
}

/** Takes a query apart; the last token is the end. Code: query-malformed. */
export function queryTokens(text: string): Result<readonly QueryToken[], QueryError> {
  if (text.length > QUERY_CHARACTERS_MAX) {
    const allowed = `a query of at most ${QUERY_CHARACTERS_MAX} characters`;
    return err({
      code: 'query-malformed',
      column: QUERY_CHARACTERS_MAX + 1,
      seen: `${text.length} characters`,
      allowed,
    });
  }
  const tokens: QueryToken[] = [];
  let index = 0;
  while (index < text.length) {
    const column = index + 1;
    const rest = text.slice(index);
    const space = SPACE.exec(rest)?.[0];
    if (space !== undefined) {
      index += space.length;
      continue;
    }
    const token = tokenAt(rest, column);
    if (token === undefined) return err(unreadable(rest, column));
    tokens.push(token.token);
    index += token.length;
  }
  return ok([...tokens, { kind: 'end', text: '', column: text.length + 1 }]);
}

function tokenAt(rest: string, column: number): { readonly token: QueryToken; readonly length: number } | undefined {
  const word = WORD.exec(rest)?.[0];
  if (word !== undefined) return { token: { kind: 'word', text: word, column }, length: word.length };
  const sign = SIGN.exec(rest)?.[0];
  if (sign !== undefined) return { token: { kind: 'sign', text: sign, column }, length: sign.length };
  const quoted = QUOTED.exec(rest);
  if (quoted === null) return undefined;
  return { token: { kind: 'quoted', text: quoted[1] ?? quoted[2] ?? '', column }, length: quoted[0].length };
}

function unreadable(rest: string, column: number): QueryError {
  const isQuote = rest.startsWith('"') || rest.startsWith("'");
  return {
    code: 'query-malformed',
    column,
    seen: isQuote ? 'a quote that is never closed' : `the character ${JSON.stringify([...rest][0])}`,
    allowed: isQuote
      ? 'a value between two quotes on one line'
      : 'a field, one of = != < <= > >= ( ) , a value, or one of and or not in',
  };
}

const SPACE = /^\s+/;
/** What ids, versions, instants and durations are made of, and the star that ends a beginning. */
const WORD = /^[A-Za-z0-9._:@+*-]+/;
const SIGN = /^(?:!=|<=|>=|[=<>(),])/;
const QUOTED = /^(?:"([^"\n]*)"|'([^'\n]*)')/;

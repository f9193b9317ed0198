// SPDX-License-Identifier: Apache-2.0
import { assert } from '@outrider/domain/kernel/assert';
import type { Brand } from '@outrider/domain/kernel/brand';
import { parseId } from '@outrider/domain/kernel/ids';
import { REASON_CHARACTERS_MAX } from '@outrider/protocol/kernel/limits';
import Type from 'typebox';

/** Any of the string ids: the pattern of `domain/kernel/ids.ts`. */
export const IdText = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._:@+-]{0,127}$' });

/** A whole number in a query, which is text. */
export const CountText = Type.String({ pattern: '^[0-9]{1,15}$' });

export const ScopeText = Type.String({ pattern: '^(global|region:[A-Za-z0-9][A-Za-z0-9._:@+-]{0,127})$' });

/** Without what no store can hold: U+0000 and halves of surrogate pairs. */
export const ReasonText = Type.String({
  minLength: 1,
  maxLength: REASON_CHARACTERS_MAX,
  pattern: '^[^\\u0000\\ud800-\\udfff]*$',
});

/** Who makes a change, and from which revision: what each change of the policy may say beside itself. */
export const CHANGE_FIELDS = {
  author: Type.Optional(Type.String({ pattern: '^(?!decision$)[A-Za-z0-9][A-Za-z0-9 ._:@+-]{0,99}$' })),
  expectedRevision: Type.Optional(Type.Integer({ minimum: 0 })),
};

/** Rows of one page at most: some megabytes of JSON, written in well under a second. */
export const PAGE_ROWS_MAX = 1_000;

/** The id that a schema with `IdText` has let through. */
export function idOf<T extends Brand<string, string>>(noun: string, text: string): T {
  const parsed = parseId<T>(noun, text);
  assert(parsed.ok, `a ${noun} that its schema has checked`);
  return parsed.value;
}

/** The number that a schema with `CountText` has let through. */
export function countOf(text: string | undefined, absent: number): number {
  return text === undefined ? absent : Number(text);
}

/** Rows asked for: between one and the most that a page has. */
export function limitOf(text: string | undefined): number {
  return Math.min(PAGE_ROWS_MAX, Math.max(1, countOf(text, PAGE_ROWS_MAX)));
}

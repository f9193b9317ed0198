// SPDX-License-Identifier: Apache-2.0
import type { ChooserState } from '@outrider/domain/device/boot-chooser';
import type { SlotContent } from '@outrider/domain/device/ports';
import type { Result } from '@outrider/domain/kernel/result';
import { runningSoftware } from '../gateway/device-record.ts';
import { encodeJson, parseText } from '../kernel/json-text.ts';
import { REQUEST_BYTES_MAX } from '../kernel/limits.ts';
import type { ParseError } from '../kernel/parse-error.ts';
import { oneOf, optional, record, whole } from '../kernel/reader.ts';

/** Writes what a boot chooser holds. */
export function encodeChooser({ contents, ...rest }: ChooserState): string {
  return encodeJson({ ...rest, contents: { ...contents } });
}

/** Reads what a boot chooser holds. Code: body-malformed. */
export function parseChooser(body: string): Result<ChooserState, ParseError> {
  const parsed = parseText(body, { noun: 'boot-chooser', bytesMax: 2 * REQUEST_BYTES_MAX, reader: chooser });
  if (!parsed.ok) return parsed;
  const { contents, ...rest } = parsed.value;
  return { ok: true, value: { ...rest, contents: { a: contents.a, b: contents.b } } };
}

/** On disk an empty slot is absent. */
type StoredChooser = Omit<ChooserState, 'contents'> & {
  readonly contents: { readonly a?: SlotContent; readonly b?: SlotContent };
};

const slotName = oneOf(['a', 'b']);

const chooser = record<StoredChooser>({
  running: slotName,
  confirmed: slotName,
  trial: optional(
    record<NonNullable<ChooserState['trial']>>({ slot: slotName, triesLeft: whole({ min: 0, max: 100 }) }),
  ),
  contents: record<StoredChooser['contents']>({ a: optional(runningSoftware), b: optional(runningSoftware) }),
  bootCount: whole({ min: 0 }),
});

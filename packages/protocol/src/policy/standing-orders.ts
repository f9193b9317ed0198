// SPDX-License-Identifier: Apache-2.0
import { ok } from '@outrider/domain/kernel/result';
import {
  type Exclusion,
  type Freeze,
  type FreezeTimes,
  isTimeZone,
  type WeekTime,
} from '@outrider/domain/policy/freeze';
import { parseText } from '../kernel/json-text.ts';
import { DOCUMENT_BYTES_MAX, REASON_CHARACTERS_MAX } from '../kernel/limits.ts';
import { bool, literal, malformed, optional, type Reader, record, text, variant, whole } from '../kernel/reader.ts';
import { instant, label } from '../kernel/values.ts';
import { audience } from './audience.ts';

const reason = text({ charactersMin: 1, charactersMax: REASON_CHARACTERS_MAX });

const timeZone: Reader<string> = (value) =>
  typeof value === 'string' && isTimeZone(value)
    ? ok(value)
    : malformed(value, 'a time zone, for example Europe/Berlin');

const weekTime = record<WeekTime>({ day: whole({ min: 1, max: 7 }), minute: whole({ min: 0, max: 1_439 }) });

/** Reads when a freeze holds. */
export const freezeTimes = variant<FreezeTimes>({
  once: record<Of<FreezeTimes, 'once'>>({ kind: literal('once'), from: instant, until: instant }),
  weekly: record<Of<FreezeTimes, 'weekly'>>({ kind: literal('weekly'), timeZone, from: weekTime, until: weekTime }),
});

/** Reads a freeze. */
export const freeze = record<Freeze>({
  freezeId: label,
  audience,
  times: freezeTimes,
  reason,
  isIncludingRollback: bool,
});

/** Reads an exclusion. */
export const exclusion = record<Exclusion>({
  exclusionId: label,
  of: audience,
  reason,
  expiresAt: optional(instant),
});

/** Reads a freeze that somebody sends. Code: body-malformed. */
export function parseFreeze(body: string) {
  return parseText(body, { noun: 'freeze', bytesMax: DOCUMENT_BYTES_MAX, reader: freeze });
}

/** Reads an exclusion that somebody sends. Code: body-malformed. */
export function parseExclusion(body: string) {
  return parseText(body, { noun: 'exclusion', bytesMax: DOCUMENT_BYTES_MAX, reader: exclusion });
}

type Of<T extends { readonly kind: string }, Kind extends T['kind']> = Extract<T, { readonly kind: Kind }>;

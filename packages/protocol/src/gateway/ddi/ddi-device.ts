// SPDX-License-Identifier: Apache-2.0
import {
  COMPLAINTS_MAX,
  type DdiAction,
  type DdiActionState,
  type DdiDevice,
  type ToldAttributes,
} from '@outrider/domain/gateway/ddi/ddi-device';
import { DAY_MINUTES, type MaintenanceWindow } from '@outrider/domain/gateway/ddi/maintenance-window';
import { TOLD_CHARACTERS_MAX, TOLD_KEYS_MAX } from '@outrider/domain/gateway/ddi/told-attributes';
import { ok, type Result } from '@outrider/domain/kernel/result';
import { encodeJson, parseText } from '../../kernel/json-text.ts';
import { COMPLAINT_CHARACTERS_MAX, DOCUMENT_BYTES_MAX } from '../../kernel/limits.ts';
import type { ParseError } from '../../kernel/parse-error.ts';
import {
  below,
  bool,
  keyOf,
  listOf,
  malformed,
  optional,
  type Reader,
  record,
  text,
  whole,
} from '../../kernel/reader.ts';
import { deviceId, instant, keyId, permitId, releaseId, rolloutId, sha256 } from '../../kernel/values.ts';

/** Writes what is kept of a DDI device. */
export function encodeDdiDevice(device: DdiDevice): string {
  return encodeJson(device);
}

/** Reads what is kept of a DDI device. Code: body-malformed. */
export function parseDdiDevice(body: string): Result<DdiDevice, ParseError> {
  return parseText(body, { noun: 'ddi-device', bytesMax: DOCUMENT_BYTES_MAX, reader: ddiDevice });
}

/** Reads free-form attributes; a value too long is cut, and what is no text, number or truth value is refused. */
export const toldData: Reader<Readonly<Record<string, string>>> = (value) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return malformed(value, 'an object of texts');
  const entries = Object.entries(value).slice(0, TOLD_KEYS_MAX);
  const found: [string, string][] = [];
  for (const [name, told] of entries) {
    const read = toldValue(told);
    if (!read.ok) return { ok: false, error: below(`.${name.slice(0, 40)}`, read.error) };
    found.push([name.slice(0, TOLD_CHARACTERS_MAX), read.value]);
  }
  return ok(Object.fromEntries(found));
};

const anyText = text({ charactersMax: DOCUMENT_BYTES_MAX });

/** Clients write numbers and truth values as they are; null is an empty text. */
function toldValue(value: unknown): Result<string, ParseError> {
  const isPlain = typeof value === 'number' || typeof value === 'boolean';
  const read = anyText(isPlain ? String(value) : (value ?? ''));
  return read.ok ? ok(read.value.slice(0, TOLD_CHARACTERS_MAX).replace(/\p{Surrogate}/gu, '')) : read;
}

const minuteOfDay = whole({ min: 0, max: DAY_MINUTES - 1 });

/** Actions that a document may hold: those kept, and as many open ones. */
const ACTIONS_MAX = 64;

const ddiAction = record<DdiAction>({
  actionId: whole({ min: 1 }),
  attempt: whole({ min: 1 }),
  permitId,
  rolloutId,
  releaseId,
  isRollback: bool,
  state: keyOf<DdiActionState>({ open: true, succeeded: true, failed: true, cancelled: true }),
  openedAt: instant,
  closedAt: optional(instant),
  installedAt: optional(instant),
  complaints: optional(listOf(text({ charactersMax: COMPLAINT_CHARACTERS_MAX }), { countMax: COMPLAINTS_MAX })),
});

const ddiDevice = record<DdiDevice>({
  deviceId,
  tokenDigest: optional(sha256),
  certificateKeyId: optional(keyId),
  maintenanceWindow: optional(record<MaintenanceWindow>({ fromMinute: minuteOfDay, toMinute: minuteOfDay })),
  told: optional(record<ToldAttributes>({ at: instant, data: toldData })),
  actions: listOf(ddiAction, { countMax: ACTIONS_MAX }),
});

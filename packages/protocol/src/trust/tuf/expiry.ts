// SPDX-License-Identifier: Apache-2.0
import { ok } from '@outrider/domain/kernel/result';
import { type FleetInstant, fleetInstant, instantText } from '@outrider/domain/kernel/time';
import { malformed, type Reader } from '../../kernel/reader.ts';

const PATTERN = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)Z$/;

/** Reads an expiry, `2027-02-28T12:00:00Z`: whole seconds in UTC, a day that exists. Source: TUF 1.0 §4.2. */
export const expiry: Reader<FleetInstant> = (value) => {
  const allowed = 'an instant in UTC, for example 2027-02-28T12:00:00Z, from 1970 on';
  const parts = typeof value === 'string' ? PATTERN.exec(value) : null;
  if (parts === null) return malformed(value, allowed);
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.slice(1).map(Number);
  const ms = Date.UTC(year, month - 1, day, hour, minute, second);
  if (!(ms >= 0)) return malformed(value, allowed);
  const instant = fleetInstant(ms);
  // The 31st of February would have become the 3rd of March.
  return instantText(instant) === value ? ok(instant) : malformed(value, allowed);
};

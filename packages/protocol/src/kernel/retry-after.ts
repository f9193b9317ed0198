// SPDX-License-Identifier: Apache-2.0
import { type DurationMs, durationMs } from '@outrider/domain/kernel/time';

/**
 * How long the sender of an answer asks to be left alone: whole seconds, or a date that is read against the `Date` of the same answer
 * (RFC 9110 §10.2.3). Undefined where nothing usable was said: a date without the other, one that is past, a number beyond any wait.
 */
export function parseRetryAfter(retryAfter: string | undefined, date?: string): DurationMs | undefined {
  if (retryAfter === undefined) return undefined;
  const text = retryAfter.trim();
  if (/^\d{1,9}$/.test(text)) return durationMs(Number(text) * 1_000);
  if (date === undefined || !HTTP_DATE.test(text) || !HTTP_DATE.test(date)) return undefined;
  const afterMs = Date.parse(text) - Date.parse(date);
  return afterMs >= 0 && Number.isSafeInteger(afterMs) ? durationMs(afterMs) : undefined;
}

/** IMF-fixdate, the form that senders must use (RFC 9110 §5.6.7). */
const HTTP_DATE = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

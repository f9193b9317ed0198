// SPDX-License-Identifier: Apache-2.0

/** Which clock instants are shown by: the same for everyone, or that of the person who looks. */
export type Zone = 'utc' | 'local';

const GROUPED = new Intl.NumberFormat('en-GB');

/** 12345 as `12,345`. */
export function countText(count: number): string {
  return GROUPED.format(count);
}

/** A share in percent with as many digits as mean something: never `100 %` of less than all, never `0 %` of more than none. */
export function shareText(part: number, whole: number): string {
  if (whole <= 0) return '–';
  const percent = (part / whole) * 100;
  if (part > 0 && percent < 0.1) return '< 0.1 %';
  if (part < whole && percent > 99.9) return '> 99.9 %';
  return `${percent.toFixed(Number.isInteger(percent) ? 0 : 1)} %`;
}

/** A rate such as 0.0012 as `0.12 %`, two digits that mean something. */
export function rateText(rate: number): string {
  if (rate === 0) return '0 %';
  const percent = rate * 100;
  return `${percent >= 10 ? percent.toFixed(1) : Number(percent.toPrecision(2))} %`;
}

/** `2026-12-08 18:35:24` in UTC or on the wall of the person; the zone is said once, beside. */
export function instantText(instantMs: number, zone: Zone): string {
  const { year, month, day, hour, minute, second } = partsOf(instantMs, zone);
  return `${year}-${month}-${day} ${hour}:${minute}:${second}`;
}

/** `18:35:24` */
export function timeText(instantMs: number, zone: Zone): string {
  const { hour, minute, second } = partsOf(instantMs, zone);
  return `${hour}:${minute}:${second}`;
}

/** For `<time datetime>`. */
export function isoText(instantMs: number): string {
  return new Date(instantMs).toISOString();
}

/** `UTC`, or `UTC+01:00` as it was at that instant. */
export function zoneText(instantMs: number, zone: Zone): string {
  if (zone === 'utc') return 'UTC';
  const minutes = -new Date(instantMs).getTimezoneOffset();
  const sign = minutes < 0 ? '−' : '+';
  return `UTC${sign}${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`;
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** The two largest units of a duration: `3 d 4 h`, `12 min`, `8 s`. */
export function durationText(durationMs: number): string {
  const whole = Math.max(0, durationMs);
  if (whole < MINUTE_MS) return `${Math.floor(whole / SECOND_MS)} s`;
  if (whole < HOUR_MS) return `${Math.floor(whole / MINUTE_MS)} min`;
  if (whole < DAY_MS) return pair(whole, [HOUR_MS, 'h'], [MINUTE_MS, 'min']);
  return pair(whole, [DAY_MS, 'd'], [HOUR_MS, 'h']);
}

function pair(durationMs: number, [large, largeName]: [number, string], [small, smallName]: [number, string]): string {
  const rest = Math.floor((durationMs % large) / small);
  return `${countText(Math.floor(durationMs / large))} ${largeName}${rest === 0 ? '' : ` ${rest} ${smallName}`}`;
}

/** Below a second in milliseconds, else in seconds. */
export function latencyText(latencyMs: number | undefined): string {
  if (latencyMs === undefined) return '–';
  return latencyMs < SECOND_MS
    ? `${latencyMs.toFixed(latencyMs < 10 ? 1 : 0)} ms`
    : `${(latencyMs / SECOND_MS).toFixed(1)} s`;
}

export function bytesText(bytes: number | undefined): string {
  return bytes === undefined ? '–' : `${countText(Math.round(bytes / 1_048_576))} MiB`;
}

export function perSecondText(perSecond: number): string {
  return `${perSecond < 10 ? perSecond.toFixed(1) : countText(Math.round(perSecond))} /s`;
}

function partsOf(instantMs: number, zone: Zone) {
  const at = new Date(instantMs);
  return zone === 'utc'
    ? {
        year: at.getUTCFullYear(),
        month: two(at.getUTCMonth() + 1),
        day: two(at.getUTCDate()),
        hour: two(at.getUTCHours()),
        minute: two(at.getUTCMinutes()),
        second: two(at.getUTCSeconds()),
      }
    : {
        year: at.getFullYear(),
        month: two(at.getMonth() + 1),
        day: two(at.getDate()),
        hour: two(at.getHours()),
        minute: two(at.getMinutes()),
        second: two(at.getSeconds()),
      };
}

function two(whole: number): string {
  return String(whole).padStart(2, '0');
}

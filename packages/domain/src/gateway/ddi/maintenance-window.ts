// SPDX-License-Identifier: Apache-2.0
import { err, ok, type Result } from '../../kernel/result.ts';
import { type FleetInstant, MINUTE_MS } from '../../kernel/time.ts';

/** A part of every day, in UTC: from one minute of the day to another, over midnight when the second is smaller. */
export interface MaintenanceWindow {
  readonly fromMinute: number;
  readonly toMinute: number;
}

/** Minutes of a day. */
export const DAY_MINUTES = 1_440;

/** Whether the instant lies in the window: its first minute does, its last does not. */
export function isWindowOpen({ fromMinute, toMinute }: MaintenanceWindow, now: FleetInstant): boolean {
  const minute = Math.floor(now / MINUTE_MS) % DAY_MINUTES;
  if (fromMinute < toMinute) return minute >= fromMinute && minute < toMinute;
  return minute >= fromMinute || minute < toMinute;
}

/** Reads `22:00-04:00`, in UTC. Code: window-malformed. */
export function parseMaintenanceWindow(
  text: string,
): Result<MaintenanceWindow, { readonly code: 'window-malformed'; readonly seen: string }> {
  const [, ...parts] = WINDOW.exec(text) ?? [];
  const [fromHour, fromMinute, toHour, toMinute] = parts.map(Number);
  const malformed = err({ code: 'window-malformed', seen: text.slice(0, SEEN_CHARACTERS_MAX) } as const);
  if (fromHour === undefined || fromMinute === undefined || toHour === undefined || toMinute === undefined) {
    return malformed;
  }
  const window = { fromMinute: fromHour * 60 + fromMinute, toMinute: toHour * 60 + toMinute };
  // From and to the same minute could mean never or always: whoever means always names no window.
  return window.fromMinute === window.toMinute ? malformed : ok(window);
}

/** A window as `parseMaintenanceWindow` reads it. */
export function windowText({ fromMinute, toMinute }: MaintenanceWindow): string {
  return `${clockText(fromMinute)}-${clockText(toMinute)}`;
}

function clockText(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
}

const WINDOW = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$/;
const SEEN_CHARACTERS_MAX = 40;

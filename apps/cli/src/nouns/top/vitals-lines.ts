// SPDX-License-Identifier: Apache-2.0
import { DAY_MS, HOUR_MS, MINUTE_MS } from '@outrider/domain/kernel/time';
import type { Latency, Overview, ServerVitals } from '@outrider/protocol/decision/overview';
import type { FrameLine } from './top-frame.ts';

/** States of devices that are shown: the rest is one number. */
const STATES_SHOWN = 6;
const BYTES_PER_MEGABYTE = 1_000_000;

/** How the server is, in three lines. */
export function vitalsLines({ vitals, devices }: Overview): readonly FrameLine[] {
  const lines: FrameLine[] = [rateLine(vitals), stateLine(vitals)];
  if (devices !== undefined) lines.push({ text: deviceText(devices) });
  return lines;
}

/** `3 h 12 min`: two units at most, so that it stays short and never says more than it knows. */
export function durationText(ms: number): string {
  const units = [
    [DAY_MS, 'd'],
    [HOUR_MS, 'h'],
    [MINUTE_MS, 'min'],
    [1_000, 's'],
  ] as const;
  const first = units.findIndex(([unitMs]) => ms >= unitMs);
  if (first === -1) return `${Math.max(0, Math.round(ms))} ms`;
  const parts: string[] = [];
  let restMs = ms;
  for (const [unitMs, name] of units.slice(first, first + 2)) {
    const count = Math.floor(restMs / unitMs);
    if (count > 0) parts.push(`${count} ${name}`);
    restMs -= count * unitMs;
  }
  return parts.join(' ');
}

function rateLine(vitals: ServerVitals): FrameLine {
  const { checkInsPerSecond, permitsPerSecond, reportsPerSecond, permitLatency, requestLatency } = vitals;
  const rates = `check-ins ${rate(checkInsPerSecond)}   permits ${rate(permitsPerSecond)}   reports ${rate(reportsPerSecond)}`;
  return { text: `${rates}   permit ${latencyText(permitLatency)}   request ${latencyText(requestLatency)}` };
}

function rate(perSecond: number): string {
  return `${perSecond < 10 ? perSecond.toFixed(1) : Math.round(perSecond)}/s`;
}

function latencyText({ p99Ms }: Latency): string {
  return p99Ms === undefined ? 'p99 -' : `p99 ${p99Ms < 10 ? p99Ms.toFixed(1) : Math.round(p99Ms)} ms`;
}

function stateLine({
  isFresh,
  snapshotAgeMs,
  database,
  eventLoopLagP99Ms,
  memoryBytes,
  upMs,
}: ServerVitals): FrameLine {
  const age = snapshotAgeMs === undefined ? 'policy not read yet' : `policy ${durationText(snapshotAgeMs)} old`;
  const offers = isFresh ? '' : ', NO OFFERS';
  const { connectionsInUse, connectionsMax, waiting } = database;
  const pool = connectionsMax === undefined ? '' : ` ${connectionsInUse}/${connectionsMax} in use, ${waiting} waiting`;
  const parts = [
    `${age}${offers}`,
    `database ${database.isReachable ? 'ok' : 'AWAY'}${pool}`,
    ...(eventLoopLagP99Ms === undefined ? [] : [`loop ${eventLoopLagP99Ms.toFixed(0)} ms late`]),
    ...(memoryBytes === undefined ? [] : [`${Math.round(memoryBytes / BYTES_PER_MEGABYTE)} MB`]),
    `up ${durationText(upMs)}`,
  ];
  return { text: parts.join('   '), ...(isFresh && database.isReachable ? {} : { tone: 'bad' as const }) };
}

function deviceText({ total, states }: NonNullable<Overview['devices']>): string {
  const shown = states.slice(0, STATES_SHOWN).map(({ state, count }) => `${count} ${state}`);
  const rest = states.slice(STATES_SHOWN).reduce((sum, one) => sum + one.count, 0);
  return `devices ${total}${total === 0 ? '' : `: ${shown.join(', ')}${rest > 0 ? `, ${rest} other` : ''}`}`;
}

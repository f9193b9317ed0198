// SPDX-License-Identifier: Apache-2.0
import { type ContactName, STRETCHES_FROM_MS } from '../gateway/contact.ts';
import type { LedgerOutcome, LedgerRow } from '../gateway/ledger.ts';
import { type CoinGate, coinGatesOf } from '../gateway/re-enrol.ts';
import { hashUnit } from '../kernel/sha256.ts';
import { after, type FleetInstant } from '../kernel/time.ts';
import type { RolloutPlan } from '../policy/rollout.ts';
import type { EvidenceEvent, InstallationEnd } from './evidence.ts';

/** Half-open, (afterMs, upTo], so that adjoining intervals share nothing and miss nothing; -1 is before all time. */
export interface EvidenceInterval {
  readonly afterMs: FleetInstant | -1;
  readonly upTo: FleetInstant;
}

/**
 * The evidence in one ledger row that falls into the interval: over any partition of time each event comes exactly once.
 * It holds as long as no instant is stamped into an interval that was read before (`Ledger.loadRowsTouched`). Rows of a
 * rollback give none. Installations count whenever their report arrives: the window of an hour is the device's, and a
 * late report is still a revert. Source: design/decision.md, "Data".
 */
export function eventsBetween(
  outcome: LedgerOutcome,
  interval: EvidenceInterval,
  plan: RolloutPlan,
): readonly EvidenceEvent[] {
  const { row } = outcome;
  if (row.kind === 'rollback') return [];
  const events: EvidenceEvent[] = [];
  if (isIn(interval, row.grantedAt)) {
    events.push({ kind: 'enrolled', segment: row.segment, arm: row.arm, pi: row.piEffective, at: row.grantedAt });
    events.push(...factsBefore(row));
  }
  if (row.arm === 'treated') {
    for (const end of installationEnds(outcome)) if (isIn(interval, end.at)) events.push(end);
  }
  for (const gate of coinGatesOf(row, plan)) pushCoinEvents(events, { outcome, gate, interval, salt: plan.salt });
  return events;
}

/** What was not known is left out, of both arms alike: it was known or not before the coin was tossed. */
function factsBefore({ segment, arm, piEffective: pi, ...row }: LedgerRow): readonly EvidenceEvent[] {
  if (pi >= 1) return [];
  return [
    ...(row.hadCrashBefore === true ? [{ kind: 'before', fact: 'crash', segment, arm, pi } as const] : []),
    ...(row.wasSilentBefore === true ? [{ kind: 'before', fact: 'silence', segment, arm, pi } as const] : []),
  ];
}

/** The lengths of all outcome windows of a plan, each once: for `Ledger.loadRowsTouched`. */
export function outcomeWindowsMs(plan: RolloutPlan): readonly number[] {
  return [...new Set(plan.gates.metrics.map((gate) => gate.windowMs as number))].sort((a, b) => a - b);
}

/**
 * What was heard of one installation, earliest first; at the same instant failures come before success. A confirmation
 * after a revert is no success: the device has shown that it falls back.
 */
function installationEnds(outcome: LedgerOutcome): readonly InstallationEnd[] {
  const { installFailedAt, revertedAt, verifiedAt, row } = outcome;
  const isConfirmed = verifiedAt !== undefined && (revertedAt === undefined || verifiedAt <= revertedAt);
  const heard: readonly { readonly kind: InstallationEnd['kind']; readonly at: FleetInstant | undefined }[] = [
    { kind: 'install-failed', at: installFailedAt },
    { kind: 'confirmed', at: isConfirmed ? verifiedAt : undefined },
    { kind: 'reverted', at: revertedAt },
  ];
  const ends = heard.flatMap(({ kind, at }) => (at === undefined ? [] : [{ kind, at }])).sort((a, b) => a.at - b.at);
  return ends.map(({ kind, at }, position) => ({
    kind,
    segment: row.segment,
    at,
    grantedAt: row.grantedAt,
    isFirstEnd: position === 0,
    wasConfirmed: kind === 'reverted' && isConfirmed,
  }));
}

interface WindowOfRow {
  readonly outcome: LedgerOutcome;
  readonly gate: CoinGate;
  readonly interval: EvidenceInterval;
  readonly salt: string;
}

/** The event, when it became known, and the closing of the window, for one metric that both arms can show. */
function pushCoinEvents(events: EvidenceEvent[], { outcome, gate, interval, salt }: WindowOfRow): void {
  const { row } = outcome;
  const closesAt = after(row.grantedAt, gate.windowMs);
  const eventAt = coinEventAt(outcome, gate, closesAt);
  const key = { metric: gate.metric, segment: row.segment, arm: row.arm } as const;
  if (eventAt !== undefined && row.piEffective < 1 && isIn(interval, eventAt)) {
    events.push({ kind: 'coin-event', ...key, pi: row.piEffective, isFirstHalf: isInFirstHalf(row, salt) });
  }
  if (isIn(interval, closesAt)) events.push({ kind: 'window-closed', ...key, hadEvent: eventAt !== undefined });
}

/** When the row's event of this metric became known, or undefined without one. Silence is known when its window closes. */
function coinEventAt(outcome: LedgerOutcome, gate: CoinGate, closesAt: FleetInstant): FleetInstant | undefined {
  const { row, crashedAt, sensorFaultAt } = outcome;
  if (gate.metric === 'crash24') return isWithin(row, crashedAt, closesAt) ? crashedAt : undefined;
  if (gate.metric === 'sensor24') return isWithin(row, sensorFaultAt, closesAt) ? sensorFaultAt : undefined;
  const name = CONTACT_BY_METRIC[gate.metric];
  const contactAt = outcome[name];
  const from = after(row.grantedAt, STRETCHES_FROM_MS[name]);
  const isHeard = contactAt !== undefined && contactAt > from && contactAt <= closesAt;
  return isHeard ? undefined : closesAt;
}

/** Silence of the first day, of the next two, and of the rest of the week: stretches that do not overlap. */
const CONTACT_BY_METRIC = {
  silent24: 'firstContactAt',
  silent72: 'secondDayContactAt',
  silent168: 'fourthDayContactAt',
} as const satisfies Partial<Record<CoinGate['metric'], ContactName>>;

function isWithin(row: LedgerRow, at: FleetInstant | undefined, closesAt: FleetInstant): boolean {
  return at !== undefined && at >= row.grantedAt && at <= closesAt;
}

function isIn(interval: EvidenceInterval, at: FleetInstant): boolean {
  return at > interval.afterMs && at <= interval.upTo;
}

/** Halves of the control arm for the A/A monitor, by a hash of their own. */
function isInFirstHalf(row: LedgerRow, salt: string): boolean {
  return row.arm === 'control' && hashUnit(salt, 'half', row.deviceId) < 0.5;
}

// SPDX-License-Identifier: Apache-2.0

import { assertNever } from '../kernel/assert.ts';
import type { SegmentId } from '../kernel/ids.ts';
import { type FleetInstant, fleetInstant, MINUTE_MS } from '../kernel/time.ts';
import type { RolloutPlan } from '../policy/rollout.ts';
import type {
  BaseCount,
  BeforeCount,
  BeforeEvent,
  Bulk,
  ClosedCount,
  CoinCount,
  CoinEvent,
  Enrolled,
  EnrolledLeftOut,
  EnrolmentCount,
  Evidence,
  EvidenceEvent,
  InstallationEnd,
  RecentEnds,
  WindowClosed,
} from './evidence.ts';
import { closedTable, type Open, type OpenTable, openRow, openTable } from './open-table.ts';

/** Length of a slot of `recent`: the belt's "within ten minutes". */
export const RECENT_SLOT_MS = 10 * MINUTE_MS;

/** One value for all that is not there: what is known of its keys is kept by the value. */
const NONE: readonly never[] = [];

/** No evidence yet. Counting begins just before `now`, since a permit may be granted at this very instant. */
export function emptyEvidence(plan: RolloutPlan, now: FleetInstant): Evidence {
  const asOf = fleetInstant(Math.max(0, now - 1));
  return { rolloutId: plan.rolloutId, asOf, base: [], coin: [], closed: [], enrolments: [], before: [], recent: [] };
}

/**
 * The evidence with these events added, as of `asOf`: a new value. Neither the order of the events matters nor how time
 * was cut into intervals, so that counting step by step equals a recount from the raw rows.
 */
export function count(evidence: Evidence, events: readonly EvidenceEvent[], asOf: FleetInstant): Evidence {
  if (events.length === 0) return { ...evidence, asOf, recent: evidence.recent.filter(isRecentAt(asOf)) };
  const open: OpenCounts = {
    base: openTable(evidence.base, baseKey),
    coin: openTable(evidence.coin, coinKey),
    closed: openTable(evidence.closed, closedKey),
    enrolments: openTable(evidence.enrolments, enrolmentKey),
    before: openTable(evidence.before ?? NONE, beforeKey),
    recent: openTable(evidence.recent, recentKey),
    leftOut: openTable(evidence.leftOut?.enrolments ?? NONE, enrolmentKey),
    lastEnrolledAt: evidence.lastEnrolledAt,
    installRestartedAt: evidence.installRestartedAt,
  };
  for (const event of events) add(open, event);
  return {
    ...evidence,
    asOf,
    base: closedTable(open.base),
    coin: closedTable(open.coin),
    closed: closedTable(open.closed),
    enrolments: closedTable(open.enrolments),
    before: closedTable(open.before),
    recent: closedTable(open.recent).filter(isRecentAt(asOf)),
    ...(open.lastEnrolledAt === undefined ? {} : { lastEnrolledAt: open.lastEnrolledAt }),
    ...(evidence.leftOut === undefined
      ? {}
      : { leftOut: { ...evidence.leftOut, enrolments: closedTable(open.leftOut) } }),
  };
}

/**
 * Starts the counts of `install` again at zero: what a person signs when a rollout goes on after its pause. Installations
 * permitted up to `at` are left out of it for good, so the test that starts here is a test of its own.
 */
export function restartInstallCounts(evidence: Evidence, at: FleetInstant): Evidence {
  return { ...evidence, base: evidence.base.filter((one) => one.metric !== 'install'), installRestartedAt: at };
}

/** The counts while events are added; never leaves this file. */
interface OpenCounts {
  readonly base: OpenTable<BaseCount>;
  readonly coin: OpenTable<CoinCount>;
  readonly closed: OpenTable<ClosedCount>;
  readonly enrolments: OpenTable<EnrolmentCount>;
  readonly before: OpenTable<BeforeCount>;
  readonly recent: OpenTable<RecentEnds>;
  readonly leftOut: OpenTable<EnrolmentCount>;
  lastEnrolledAt: FleetInstant | undefined;
  readonly installRestartedAt: FleetInstant | undefined;
}

function add(open: OpenCounts, event: EvidenceEvent): void {
  switch (event.kind) {
    case 'enrolled':
      addEnrolment(open, event);
      break;
    case 'enrolled-left-out':
      enrolmentIn(open.leftOut, event)[event.arm] += devicesOf(event);
      break;
    case 'before':
      addBefore(open, event);
      break;
    case 'confirmed':
    case 'reverted':
    case 'install-failed':
      addEnd(open, event);
      break;
    case 'coin-event':
      addCoinEvent(open, event);
      break;
    case 'window-closed':
      addClosedWindow(open, event);
      break;
    default:
      assertNever(event);
  }
}

function addEnrolment(open: OpenCounts, event: Enrolled): void {
  const one = enrolmentIn(open.enrolments, event);
  const devices = devicesOf(event);
  one[event.arm] += devices;
  if (open.lastEnrolledAt === undefined || event.at > open.lastEnrolledAt) open.lastEnrolledAt = event.at;
  if (event.arm === 'control') return;
  baseEntry(open, 'revert', event.segment).open += devices;
  if (isAfterRestart(open, event.at)) baseEntry(open, 'install', event.segment).open += devices;
}

function enrolmentIn(
  counts: OpenTable<EnrolmentCount>,
  { segment, pi }: Enrolled | EnrolledLeftOut,
): Open<EnrolmentCount> {
  const zero = { segment, pi, treated: 0, control: 0 };
  return openRow(counts, zero);
}

function addBefore(open: OpenCounts, event: BeforeEvent): void {
  const { fact, segment, pi } = event;
  const zero = { fact, segment, pi, eventsTreated: 0, eventsControl: 0 };
  const one = openRow(open.before, zero);
  one[event.arm === 'treated' ? 'eventsTreated' : 'eventsControl'] += devicesOf(event);
}

function addEnd(open: OpenCounts, end: InstallationEnd): void {
  const devices = devicesOf(end);
  const confirmed = end.kind === 'confirmed' ? devices : end.wasConfirmed ? -devices : 0;
  if (end.kind !== 'install-failed') {
    const revert = baseEntry(open, 'revert', end.segment);
    revert.closed += end.wasConfirmed ? 0 : devices;
    revert.events += end.kind === 'reverted' ? devices : 0;
    revert.confirmed += confirmed;
  }
  if (isAfterRestart(open, end.grantedAt)) {
    const install = baseEntry(open, 'install', end.segment);
    install.closed += end.isFirstEnd ? devices : 0;
    install.events += end.kind === 'install-failed' ? devices : 0;
    install.confirmed += confirmed;
  }
  const zero = { slotEndsAt: slotEndOf(end.at), ended: 0, reverted: 0 };
  const slot = openRow(open.recent, zero);
  slot.ended += devices;
  slot.reverted += end.kind === 'reverted' ? devices : 0;
}

function addCoinEvent(open: OpenCounts, event: CoinEvent): void {
  const { metric, segment, pi } = event;
  const zero = { metric, segment, pi, eventsTreated: 0, eventsControl: 0, eventsControlFirstHalf: 0 };
  const one = openRow(open.coin, zero);
  const devices = devicesOf(event);
  one.eventsTreated += event.arm === 'treated' ? devices : 0;
  one.eventsControl += event.arm === 'control' ? devices : 0;
  one.eventsControlFirstHalf += event.arm === 'control' && event.isFirstHalf ? devices : 0;
}

function addClosedWindow(open: OpenCounts, event: WindowClosed): void {
  const { metric, segment, arm, hadEvent } = event;
  const zero = { metric, segment, arm, closed: 0, events: 0 };
  const one = openRow(open.closed, zero);
  const devices = devicesOf(event);
  one.closed += devices;
  one.events += hadEvent ? devices : 0;
}

function devicesOf(event: Bulk): number {
  return event.devices ?? 1;
}

function baseEntry(open: OpenCounts, metric: BaseCount['metric'], segment: SegmentId): Open<BaseCount> {
  const zero = { metric, segment, open: 0, closed: 0, events: 0, confirmed: 0 };
  return openRow(open.base, zero);
}

function isAfterRestart(open: OpenCounts, grantedAt: FleetInstant): boolean {
  return open.installRestartedAt === undefined || grantedAt > open.installRestartedAt;
}

function slotEndOf(at: FleetInstant): FleetInstant {
  return fleetInstant(Math.ceil(at / RECENT_SLOT_MS) * RECENT_SLOT_MS);
}

/** The slot that `asOf` lies in, and the whole one before it while that ended less than a slot ago. */
function isRecentAt(asOf: FleetInstant): (one: RecentEnds) => boolean {
  return (one) => one.slotEndsAt > asOf - RECENT_SLOT_MS;
}

/** Keys end with the segment, the only part that may hold a space, so no two keys can be taken for each other. */
function baseKey(one: BaseCount): string {
  return `${one.metric} ${one.segment}`;
}

function coinKey(one: CoinCount): string {
  return `${one.metric} ${one.pi} ${one.segment}`;
}

function closedKey(one: ClosedCount): string {
  return `${one.metric} ${one.arm} ${one.segment}`;
}

function enrolmentKey(one: EnrolmentCount): string {
  return `${one.pi} ${one.segment}`;
}

function beforeKey(one: BeforeCount): string {
  return `${one.fact} ${one.pi} ${one.segment}`;
}

function recentKey(one: RecentEnds): string {
  return String(one.slotEndsAt);
}

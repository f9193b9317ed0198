// SPDX-License-Identifier: Apache-2.0
import { withContact } from '@outrider/domain/gateway/contact';
import type { HourCount, LedgerOutcome, LedgerRow } from '@outrider/domain/gateway/ledger';
import { isGateOpen, permitGateOf } from '@outrider/domain/gateway/permit-gate';
import type { Ledger, PermitCommit, PermitProposal } from '@outrider/domain/gateway/ports';
import { DAY_MS, type FleetInstant, HOUR_MS } from '@outrider/domain/kernel/time';
import type { Exposure } from '@outrider/domain/policy/exposure';
import { type LedgerEntry, listUnder, type MemoryState, takenInAt } from './state.ts';
import { maybeTouched, noteGranted, noteHeard } from './touch-index.ts';

export function memoryLedger(state: MemoryState): Ledger {
  return {
    async commitPermits(proposals) {
      return proposals.map((proposal) => commitPermit(state, proposal));
    },
    async loadRows(rolloutId, { afterPosition, limit }) {
      return outcomesOf(state.ledgerOfRollout.get(rolloutId))
        .filter((one) => one.position > afterPosition)
        .slice(0, limit);
    },
    async loadRowsTouched(rolloutId, interval, windowsMs) {
      const countedTo = state.countedTo.get(rolloutId) ?? 0;
      if (interval.upTo > countedTo) state.countedTo.set(rolloutId, interval.upTo);
      const entries = maybeTouched(state, rolloutId, { ...interval, windowsMs });
      return entries.filter(({ outcome }) => isTouched(outcome, interval, windowsMs)).map(({ outcome }) => outcome);
    },
    async loadOpenPermits(scope, now) {
      return state.ledger
        .filter((entry) => isInScope(entry, scope) && isOpenPermit(entry, now))
        .map(({ outcome: { row }, permittedAt, permitEpoch }) => ({
          permitId: row.permitId,
          deviceId: row.deviceId,
          rolloutId: row.rolloutId,
          epoch: permitEpoch,
          expiresAt: (permittedAt + row.permitLifeMs) as FleetInstant,
        }));
    },
    async countByHour(rolloutId) {
      return hourCounts(outcomesOf(state.ledgerOfRollout.get(rolloutId)));
    },
    async noteContacts(contacts) {
      for (const { deviceId, at } of contacts) {
        for (const entry of state.ledgerOfDevice.get(deviceId) ?? []) noteContact(state, entry, at);
      }
    },
  };
}

/** The same checks in the same order as `grant_permits` in PostgreSQL. */
function commitPermit(state: MemoryState, proposal: PermitProposal): PermitCommit {
  const { row } = proposal;
  const rollout = state.policy.rollouts.get(row.rolloutId);
  const exposure = state.exposures.get(row.rolloutId);
  if (rollout === undefined || exposure === undefined) return refused('rollout-not-running');
  const gate = permitGateOf(rollout);
  if (gate.epoch !== row.epoch) return refused('epoch-moved');
  if (!isGateOpen(gate, row.kind, proposal.region)) return refused('rollout-not-running');
  if (isPausedFor(state, proposal)) return refused('scope-paused');
  const isHalted = gate.haltedSegments.includes(row.segment) || gate.haltedRegions.includes(proposal.region);
  if (row.kind === 'enrolment' && isHalted) return refused('segment-halted');

  const former = (state.ledgerOfDevice.get(row.deviceId) ?? []).filter((entry) => isSameKind(entry, row));
  const existing = former.find((entry) => entry.outcome.row.enrolment === row.enrolment);
  if (existing !== undefined) return renewed(state, existing, row);
  if (row.kind === 'enrolment') {
    if (!mayFollow(former, row.enrolment)) return refused('already-enrolled');
    if (exposure.granted >= Math.min(exposure.cap, gate.limitDevices ?? exposure.cap)) return refused('cap-full');
    const segment = exposure.segments.find((one) => one.segment === row.segment);
    if (segment === undefined || segment.granted >= segment.cap) return refused('segment-cap-full');
    if (row.arm === 'treated') state.exposures.set(row.rolloutId, withOneGranted(exposure, row));
  }
  return appended(state, proposal);
}

function refused(code: Extract<PermitCommit, { kind: 'refused' }>['code']): PermitCommit {
  return { kind: 'refused', code };
}

function isPausedFor(state: MemoryState, { row, region }: PermitProposal): boolean {
  return state.policy.pausedScopes.some(
    (paused) =>
      (paused.scope === 'global' || paused.scope === `region:${region}`) &&
      (row.kind === 'enrolment' || paused.isIncludingRollback),
  );
}

function isSameKind({ outcome }: LedgerEntry, row: LedgerRow): boolean {
  return outcome.row.rolloutId === row.rolloutId && outcome.row.kind === row.kind;
}

/** A first enrolment follows none; each later one follows a control row, and no number is left out. */
function mayFollow(former: readonly LedgerEntry[], enrolment: number): boolean {
  return former.length === enrolment - 1 && former.every((entry) => entry.outcome.row.arm === 'control');
}

/** Asked again: the row stays as it is; that the permit lives on from now is noted beside it. */
function renewed(state: MemoryState, entry: LedgerEntry, row: LedgerRow): PermitCommit {
  const at = takenInAt(state, row.rolloutId, row.grantedAt);
  if (at > entry.permittedAt) {
    entry.permittedAt = at;
    entry.permitEpoch = row.epoch;
  }
  return { kind: 'committed', row: entry.outcome.row };
}

function appended(state: MemoryState, { row: proposed, region }: PermitProposal): PermitCommit {
  const grantedAt = takenInAt(state, proposed.rolloutId, proposed.grantedAt);
  const row: LedgerRow = { ...proposed, grantedAt };
  const outcome: LedgerOutcome = { position: state.ledger.length + 1, row };
  const entry: LedgerEntry = { region, outcome, permittedAt: grantedAt, permitEpoch: row.epoch };
  state.ledger.push(entry);
  listUnder(state.ledgerOfDevice, row.deviceId).push(entry);
  listUnder(state.ledgerOfRollout, row.rolloutId).push(entry);
  noteGranted(state, entry);
  return { kind: 'committed', row };
}

function withOneGranted(exposure: Exposure, row: LedgerRow): Exposure {
  const segments = exposure.segments.map((one) =>
    one.segment === row.segment ? { ...one, granted: one.granted + 1 } : one,
  );
  return { ...exposure, granted: exposure.granted + 1, segments };
}

function hourCounts(outcomes: readonly LedgerOutcome[]): readonly HourCount[] {
  const counts = new Map<string, HourCount>();
  for (const { row, ...heard } of outcomes) {
    if (row.kind !== 'enrolment') continue;
    const { segment, grantedAt } = row;
    const hourOfDay = Math.floor((grantedAt % DAY_MS) / HOUR_MS);
    const key = `${hourOfDay} ${segment}`;
    const isTreated = row.arm === 'treated';
    const isWithinDay = (at: number | undefined) => at !== undefined && at <= grantedAt + DAY_MS;
    const before = counts.get(key);
    counts.set(key, {
      segment,
      hourOfDay,
      enrolled: (before?.enrolled ?? 0) + 1,
      treated: (before?.treated ?? 0) + (isTreated ? 1 : 0),
      reverted: (before?.reverted ?? 0) + (isTreated && heard.revertedAt !== undefined ? 1 : 0),
      installFailed: (before?.installFailed ?? 0) + (isTreated && heard.installFailedAt !== undefined ? 1 : 0),
      crashed: (before?.crashed ?? 0) + (isWithinDay(heard.crashedAt) ? 1 : 0),
      sensorFaulty: (before?.sensorFaulty ?? 0) + (isWithinDay(heard.sensorFaultAt) ? 1 : 0),
    });
  }
  return [...counts.values()];
}

function outcomesOf(entries: readonly LedgerEntry[] = []): readonly LedgerOutcome[] {
  return entries.map((entry) => entry.outcome);
}

function isTouched(
  outcome: LedgerOutcome,
  { afterMs, upTo }: Parameters<Ledger['loadRowsTouched']>[1],
  windowsMs: readonly number[],
): boolean {
  for (const windowMs of windowsMs) if (isInside(outcome.row.grantedAt + windowMs, afterMs, upTo)) return true;
  return (
    isInside(outcome.row.grantedAt, afterMs, upTo) ||
    isInside(outcome.firstContactAt, afterMs, upTo) ||
    isInside(outcome.secondDayContactAt, afterMs, upTo) ||
    isInside(outcome.fourthDayContactAt, afterMs, upTo) ||
    isInside(outcome.verifiedAt, afterMs, upTo) ||
    isInside(outcome.revertedAt, afterMs, upTo) ||
    isInside(outcome.installFailedAt, afterMs, upTo) ||
    isInside(outcome.crashedAt, afterMs, upTo) ||
    isInside(outcome.sensorFaultAt, afterMs, upTo)
  );
}

function isInside(at: number | undefined, afterMs: number, upTo: number): boolean {
  return at !== undefined && at > afterMs && at <= upTo;
}

function isInScope({ region, outcome }: LedgerEntry, scope: Parameters<Ledger['loadOpenPermits']>[0]): boolean {
  return scope === 'global' || scope === `region:${region}` || scope === `rollout:${outcome.row.rolloutId}`;
}

function isOpenPermit({ outcome, permittedAt }: LedgerEntry, now: FleetInstant): boolean {
  const { row, verifiedAt = -1, revertedAt = -1, installFailedAt = -1 } = outcome;
  const isSettled = Math.max(verifiedAt, revertedAt, installFailedAt) >= permittedAt;
  return row.arm === 'treated' && permittedAt + row.permitLifeMs > now && !isSettled;
}

function noteContact(state: MemoryState, entry: LedgerEntry, at: FleetInstant): void {
  const takenAt = takenInAt(state, entry.outcome.row.rolloutId, at);
  const noted = withContact(entry.outcome, takenAt);
  if (noted === entry.outcome) return;
  entry.outcome = noted;
  noteHeard(state, entry, takenAt);
}

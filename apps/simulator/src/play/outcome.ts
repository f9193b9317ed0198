// SPDX-License-Identifier: Apache-2.0
import type { LedgerOutcome } from '@outrider/domain/gateway/ledger';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { type FleetInstant, HOUR_MS } from '@outrider/domain/kernel/time';
import type { Participant } from './stage.ts';

/** How far a release came, by the server's ledger; for all others what keeps them. */
export interface ReachOutcome {
  readonly devices: number;
  readonly verified: number;
  readonly notVerifiedByReason: Readonly<Record<string, number>>;
}

/** Verified is what the ledger heard; why a device is not verified, the device itself knows best. */
export function reachOf(ledger: readonly LedgerOutcome[], participants: readonly Participant[]): ReachOutcome {
  const treated = new Map<DeviceId, LedgerOutcome>();
  for (const outcome of ledger) if (isTreated(outcome)) treated.set(outcome.row.deviceId, outcome);
  const reasons = new Map<string, number>();
  let verified = 0;
  for (const participant of participants) {
    const reason = unverifiedReason(participant, treated.get(participant.deviceId));
    if (reason === undefined) verified++;
    else reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  const notVerifiedByReason = Object.fromEntries([...reasons].sort(([a], [b]) => (a < b ? -1 : 1)));
  return { devices: participants.length, verified, notVerifiedByReason };
}

/** What became of a release that was taken back. */
export interface RecallOutcome {
  readonly exposed: number;
  readonly rolledBack: number;
  readonly notBack: number;
  readonly silent: number;
  readonly hoursToHalt: number | null;
}

/** All exposed devices are back on the good version, silent, or a fault. */
export function recallOf(
  ledger: readonly LedgerOutcome[],
  participants: readonly Participant[],
  about: { readonly goodVersion: string; readonly haltedAt: FleetInstant | undefined },
): RecallOutcome {
  const treated = ledger.filter(isTreated);
  const exposed = new Set(treated.map(({ row }) => row.deviceId));
  const states = participants.filter(({ deviceId }) => exposed.has(deviceId)).map((one) => one.now());
  const rolledBack = states.filter(({ activeVersion }) => activeVersion === about.goodVersion).length;
  const silent = states.filter((one) => one.activeVersion !== about.goodVersion && one.isSilent).length;
  const firstAt = Math.min(...treated.map(({ row }) => row.grantedAt));
  const isHalted = about.haltedAt !== undefined && Number.isFinite(firstAt);
  return {
    exposed: exposed.size,
    rolledBack,
    silent,
    notBack: exposed.size - rolledBack - silent,
    hoursToHalt: isHalted ? ((about.haltedAt ?? 0) - firstAt) / HOUR_MS : null,
  };
}

function isTreated({ row }: LedgerOutcome): boolean {
  return row.kind === 'enrolment' && row.arm === 'treated';
}

function unverifiedReason(participant: Participant, outcome: LedgerOutcome | undefined): string | undefined {
  const isVerified = outcome?.verifiedAt !== undefined && outcome.revertedAt === undefined;
  if (isVerified) return undefined;
  const { state, reason, isSilent } = participant.now();
  if (isSilent) return 'silent';
  if (outcome?.revertedAt !== undefined) return 'reverted';
  // A reason may go on with the log of a failed boot: its first word is the code.
  const [code = ''] = reason.split(':', 1);
  return code === '' ? state : `${state}: ${code}`;
}

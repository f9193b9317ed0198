// SPDX-License-Identifier: Apache-2.0
import type { VersionManifest } from '../gateway/version-manifest.ts';
import { raisedFloors } from '../release/floors.ts';
import { move, withJournal, withSituation } from './moves.ts';
import { queueReport } from './report-queue.ts';
import type { DeviceState } from './state.ts';

/** The chooser will try the slot: from here on, what runs after the next boot decides. */
export function arm(state: DeviceState): DeviceState | undefined {
  const { update } = state.journal;
  const moved = move(state, 'arm');
  if (moved === undefined || update?.permit === undefined) return undefined;
  const { rolloutId, releaseId, slot, content, permit } = update;
  const { permitId } = permit.document;
  const { releaseCounter } = content;
  const installed = { rolloutId, releaseId, permitId, slot, releaseCounter, isVerified: false, trialLog: '' };
  return withSituation(withJournal(moved, { installed }), { trial: 'unchecked' });
}

/** Only after the slot was verified, in the trial itself. */
export function judgeHealth(
  state: DeviceState,
  verdict: { readonly isHealthy: boolean; readonly detail: string },
): DeviceState | undefined {
  if (state.journal.phase !== 'installed' || state.situation.trial !== 'slot-verified') return undefined;
  return verdict.isHealthy ? withSituation(state, { trial: 'healthy' }) : failTrial(state, verdict.detail);
}

/** The log outlives the reboot, so that the revert can be told with its reason. */
export function failTrial(state: DeviceState, detail: string): DeviceState {
  const { installed } = state.journal;
  const trialLog = detail.slice(-TRIAL_LOG_CHARACTERS_MAX);
  const marked = withSituation(state, { trial: 'unhealthy' });
  return installed === undefined ? marked : withJournal(marked, { installed: { ...installed, trialLog } });
}

/** I1: the one place where success is reported: booted, verified, healthy and confirmed. */
export function confirm(state: DeviceState): DeviceState | undefined {
  const { installed } = state.journal;
  const { boot } = state.situation;
  if (installed === undefined || boot.running !== installed.slot || boot.confirmed !== installed.slot) return undefined;
  const moved = move(state, 'confirm');
  if (moved === undefined) return undefined;
  const verified = { ...installed, isVerified: true };
  // C12: in the same write of the journal that ends the trial; until then the old slot is a way back.
  const floors = raisedFloors(state.journal.floors, state.journal.update?.floors);
  const change = { installed: verified, update: undefined, ...(floors && { floors }) };
  const queued = queueReport(withJournal(moved, change), verified, { event: 'verified', detail: '' });
  return withClaim(queued, state);
}

/** What the device will sign with the report that was queued last: told by the update, which is over with it. */
function withClaim(queued: DeviceState, { journal: { update }, situation: { boot, now } }: DeviceState): DeviceState {
  const { reports, deviceId } = queued.journal;
  const report = reports.at(-1);
  if (report?.permitId === undefined || update === undefined) return queued;
  const { sequence, rolloutId, releaseId, permitId, running } = report;
  const claim: VersionManifest = {
    ...{ schema: 1, deviceId, sequence, rolloutId, releaseId, permitId },
    epoch: update.permit?.document.epoch ?? update.epoch,
    slot: boot.running,
    ...{ version: running.version, releaseCounter: running.releaseCounter },
    images: update.parts.map(({ component, image: { digest, bytes } }) => ({ name: component, digest, bytes })),
    ...{ bootCount: boot.bootCount, confirmedAt: now },
  };
  return withJournal(queued, { reports: [...reports.slice(0, -1), { ...report, claim }] });
}

/** The old slot runs again, after a trial or long after it: success un-happens, and this device does not try it again. */
export function fallBack(state: DeviceState): DeviceState | undefined {
  const { installed, revertedCounters } = state.journal;
  const what = installed?.isVerified ? 'The verified release no longer runs' : 'The trial boots were used up';
  const moved = move(state, 'fall-back', what);
  if (moved === undefined) return undefined;
  const resting = withJournal(moved, { update: undefined, installed: undefined });
  if (installed === undefined) return resting;
  const counters = [...revertedCounters, installed.releaseCounter].slice(-REVERTED_COUNTERS_MAX);
  const detail = installed.trialLog === '' ? what : `${what}; the last one said: ${installed.trialLog}`;
  return queueReport(withJournal(resting, { revertedCounters: counters }), installed, { event: 'reverted', detail });
}

/** As much as one report carries, with room for its first line. */
const TRIAL_LOG_CHARACTERS_MAX = 1_900;

/** Counters only grow, so old ones are refused anyway: the newest few are enough. */
const REVERTED_COUNTERS_MAX = 16;

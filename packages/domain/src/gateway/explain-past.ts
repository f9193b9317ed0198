// SPDX-License-Identifier: Apache-2.0
import type { Revision, RolloutId } from '../kernel/ids.ts';
import { type FleetInstant, instantText } from '../kernel/time.ts';
import type { Exposure } from '../policy/exposure.ts';
import { emptyPolicy, foldEntries, type Policy } from '../policy/fold.ts';
import type { PolicyEntry } from '../policy/log.ts';
import type { PublishedRelease } from '../release/release.ts';
import { compileSnapshot, type SnapshotSources } from './compile-snapshot.ts';
import type { KnownDevice } from './device-record.ts';
import { type Explanation, explainDevice } from './explain.ts';

/** An explanation for an instant that has passed, and how far it can be trusted. */
export interface PastExplanation extends Explanation {
  readonly past: {
    readonly at: FleetInstant;
    /** Of the policy that held then. */
    readonly revision: Revision;
    /** What nobody has kept: where a condition rests on it, its value is that of today. A sentence each. */
    readonly knownAsToday: readonly string[];
  };
}

/** What a past explanation is made from, as it is stored today. */
export interface PastSources extends Omit<SnapshotSources, 'policy' | 'deltas'> {
  /** The policy that held then; see `policyAt`. */
  readonly policy: Policy;
  /** What the first decision after the instant was given, for each rollout that has one: it was open until then. */
  readonly exposuresUntilNext: ReadonlyMap<RolloutId, Exposure>;
}

/** The policy at an instant: the fold of the log up to its last entry before or at it. */
export function policyAt(entries: readonly PolicyEntry[], at: FleetInstant): Policy {
  return foldEntries(
    emptyPolicy(),
    entries.filter((one) => one.at <= at),
  );
}

/**
 * Explains what a device would have been answered at an instant: policy, caps, withdrawals, ledger rows, freezes and
 * charter times as they were then. What no log holds is taken as it is today, and said to be.
 */
export function explainPast(sources: PastSources, device: KnownDevice, at: FleetInstant): PastExplanation {
  const { policy, exposuresUntilNext } = sources;
  const snapshot = compileSnapshot({
    ...sources,
    deltas: [],
    releases: sources.releases.map((one) => releaseAt(one, at)),
    exposures: sources.exposures.map((one) => exposureAt(one, exposuresUntilNext)),
  });
  const ledger = device.ledger.filter((one) => one.grantedAt <= at);
  const explanation = explainDevice(snapshot, { ...device, ledger }, at);
  const knownAsToday = gapsOf(device, { at, hasCharters: sources.charterOf !== undefined });
  return { ...explanation, past: { at, revision: policy.revision, knownAsToday } };
}

function releaseAt(release: PublishedRelease, at: FleetInstant): PublishedRelease {
  if (release.withdrawnAt === undefined || release.withdrawnAt <= at) return release;
  const { withdrawnAt: _, withdrawnReason: __, ...before } = release;
  return before;
}

/** Decisions alone move caps, so what the next one was given is what held until it; without one it still holds. */
function exposureAt(exposure: Exposure, exposuresUntilNext: PastSources['exposuresUntilNext']): Exposure {
  return exposuresUntilNext.get(exposure.rolloutId) ?? exposure;
}

function gapsOf(
  { record, ledger }: KnownDevice,
  { at, hasCharters }: { readonly at: FleetInstant; readonly hasCharters: boolean },
): readonly string[] {
  const { running, lastContactAt } = record.status;
  const permitted = ledger.filter((one) => one.arm === 'treated' && one.grantedAt > at).length;
  const since =
    permitted === 0
      ? 'no permit has been given to the device since the instant'
      : `${permitted} permit${permitted === 1 ? ' was' : 's were'} given to it since the instant, so it may have run something else`;
  return [
    `What the device runs and its state: version ${running.version}, counter ${running.releaseCounter}, told at ${instantText(lastContactAt)}; ${since}`,
    'The attributes of the device, with its tags: former values are not kept',
    'How many permits had been given: counted at the first decision after the instant, else today',
    ...(hasCharters ? ['The keys of approvers: charters are checked with those of today'] : []),
  ];
}

// SPDX-License-Identifier: Apache-2.0

import { assert, assertNever, present } from '../kernel/assert.ts';
import type { DeviceId, Epoch, KeyId, Revision, RolloutId } from '../kernel/ids.ts';
import { nextState } from '../kernel/table.ts';
import type { FleetInstant } from '../kernel/time.ts';
import { pausesWith } from './flags.ts';
import { NO_ORDERS, type StandingOrders } from './freeze.ts';
import type { Group } from './group.ts';
import type { Overrule, PausedScope, PolicyChange, PolicyEntry } from './log.ts';
import { endsRestore, type RestoredPolicy, restoredBy, revisionsSkipped, withEpochRaised } from './restore.ts';
import type { Overruled, Rollout } from './rollout.ts';
import { ROLLOUT_TABLE, raisesEpoch } from './rollout-table.ts';

/** The fold of the policy log: what holds now. */
export interface Policy {
  /** Of the newest entry; zero before the first. */
  readonly revision: Revision;
  /** In order of creation. */
  readonly rollouts: ReadonlyMap<RolloutId, Rollout>;
  readonly pausedScopes: readonly PausedScope[];
  /** Freezes and exclusions. */
  readonly orders: StandingOrders;
  /** By name, in order of creation. */
  readonly groups: ReadonlyMap<string, Group>;
  /** Keys of devices that are not believed any more, with the device that had each. */
  readonly revokedKeys: ReadonlyMap<KeyId, RevokedKey>;
  /** New rollouts begin one above it: beyond every epoch that devices may have seen before a restore. */
  readonly epochBase: number;
  /** The restore from a backup from which nobody has resumed yet. */
  readonly restored?: RestoredPolicy;
}

/** Whose key was revoked, when and why. */
export interface RevokedKey {
  readonly deviceId: DeviceId;
  readonly at: FleetInstant;
  readonly by: string;
  readonly reason: string;
}

/** The policy before the first entry of its log. */
export function emptyPolicy(): Policy {
  // The constructor of the first revision: entries count from one.
  return {
    revision: 0 as Revision,
    rollouts: new Map(),
    pausedScopes: [],
    orders: NO_ORDERS,
    groups: new Map(),
    revokedKeys: new Map(),
    epochBase: 0,
  };
}

/**
 * The policy after one more entry. Entries were allowed by `decideChange` before they were appended, so one that the
 * table calls impossible is a broken log, not input.
 */
export function foldPolicy(policy: Policy, entry: PolicyEntry): Policy {
  return foldEntries(policy, [entry]);
}

/** The policy after all of these entries, in one pass: the tables are copied once. */
export function foldEntries(policy: Policy, entries: readonly PolicyEntry[]): Policy {
  const rollouts = new Map(policy.rollouts);
  const revokedKeys = isAboutKeys(entries) ? new Map(policy.revokedKeys) : policy.revokedKeys;
  let { revision, pausedScopes, orders, groups, epochBase, restored } = policy;
  for (const entry of entries) {
    assert(entry.revision > revision, `an entry after revision ${revision}, got ${entry.revision}`);
    const skipped = revisionsSkipped(revision, entry);
    if (skipped > 0) {
      epochBase += skipped;
      for (const [id, rollout] of rollouts) rollouts.set(id, withEpochRaised(rollout, skipped));
      restored = restoredBy(entry);
    }
    if (endsRestore(entry.change)) restored = undefined;
    revision = entry.revision;
    const rollout = changedRollout(rollouts, entry, epochBase);
    if (rollout !== undefined) rollouts.set(rollout.plan.rolloutId, rollout);
    pausedScopes = changedScopes(pausedScopes, entry.change);
    orders = changedOrders(orders, entry.change);
    groups = changedGroups(groups, entry);
    if (revokedKeys instanceof Map) changeKeys(revokedKeys, entry);
  }
  return {
    revision,
    rollouts,
    pausedScopes,
    orders,
    groups,
    revokedKeys,
    epochBase,
    ...(restored === undefined ? {} : { restored }),
  };
}

/** The rollout that the entry is about, after it; undefined for entries about scopes. */
function changedRollout(
  rollouts: ReadonlyMap<RolloutId, Rollout>,
  entry: PolicyEntry,
  epochBase: number,
): Rollout | undefined {
  const { change } = entry;
  switch (change.kind) {
    case 'rollout-created':
      return createdRollout(change, entry, epochBase);
    case 'rollout-event':
      return moved(present(rollouts.get(change.rolloutId), 'the rollout that an event names'), change, entry);
    case 'rollout-chartered':
      return chartered(present(rollouts.get(change.rolloutId), 'the rollout that a charter names'), change, entry);
    case 'rollout-flagged':
      return flagged(present(rollouts.get(change.rolloutId), 'the rollout that is flagged'), change, entry);
    case 'region-halted':
      return withoutRegion(present(rollouts.get(change.rolloutId), 'the rollout whose region halts'), change, entry);
    case 'evidence-excluded':
    case 'evidence-included':
      return believed(present(rollouts.get(change.rolloutId), 'the rollout whose evidence changes'), change, entry);
    case 'rollout-limited':
      return limited(present(rollouts.get(change.rolloutId), 'the rollout that is limited'), change, entry);
    case 'segment-halted': {
      const rollout = present(rollouts.get(change.rolloutId), 'the rollout whose segment halts');
      const haltedSegments = [...new Set([...rollout.haltedSegments, change.segment])];
      return { ...rollout, revision: entry.revision, haltedSegments };
    }
    case 'scope-paused':
    case 'scope-resumed':
    case 'device-revoked':
    case 'device-reinstated':
    case 'freeze-set':
    case 'freeze-lifted':
    case 'exclusion-set':
    case 'exclusion-lifted':
    case 'group-set':
    case 'group-removed':
      return undefined;
    default:
      return assertNever(change);
  }
}

function changedOrders(orders: StandingOrders, change: PolicyChange): StandingOrders {
  const { freezes, exclusions } = orders;
  switch (change.kind) {
    case 'freeze-set': {
      const { kind: _, ...freeze } = change;
      return { ...orders, freezes: [...freezes.filter((one) => one.freezeId !== freeze.freezeId), freeze] };
    }
    case 'freeze-lifted':
      return { ...orders, freezes: freezes.filter((one) => one.freezeId !== change.freezeId) };
    case 'exclusion-set': {
      const { kind: _, ...exclusion } = change;
      const others = exclusions.filter((one) => one.exclusionId !== exclusion.exclusionId);
      return { ...orders, exclusions: [...others, exclusion] };
    }
    case 'exclusion-lifted':
      return { ...orders, exclusions: exclusions.filter((one) => one.exclusionId !== change.exclusionId) };
    default:
      return orders;
  }
}

function changedGroups(groups: Policy['groups'], { revision, at, author, change }: PolicyEntry): Policy['groups'] {
  if (change.kind !== 'group-set' && change.kind !== 'group-removed') return groups;
  const { groupId, reason } = change;
  const changed = new Map(groups);
  if (change.kind === 'group-removed') changed.delete(groupId);
  else changed.set(groupId, { groupId, audience: change.audience, reason, revision, at, by: author });
  return changed;
}

function createdRollout(change: Of<'rollout-created'>, entry: PolicyEntry, epochBase: number): Rollout {
  const { revision, at, author } = entry;
  return {
    ...overruledIn([], change.overrules, entry),
    plan: change.plan,
    state: 'draft',
    createdBy: author,
    revision,
    // The constructor of the first epoch: it only ever grows by one below.
    epoch: (epochBase + 1) as Epoch,
    reason: `Created by ${author}`,
    stateSince: at,
    haltedSegments: [],
  };
}

function limited(rollout: Rollout, { devices }: Of<'rollout-limited'>, { revision }: PolicyEntry): Rollout {
  const { limitDevices: _, ...others } = rollout;
  return { ...others, revision, ...(devices === undefined ? {} : { limitDevices: devices }) };
}

/** The signatures of the approvers are the approval. */
function chartered(rollout: Rollout, change: Of<'rollout-chartered'>, entry: PolicyEntry): Rollout {
  const { charter, reason, overrules } = change;
  const { revision, at } = entry;
  const signed = { ...rollout, revision, charter, ...overruledIn(rollout.overruled, overrules, entry) };
  return rollout.state === 'draft' ? { ...signed, state: 'approved', reason, stateSince: at } : signed;
}

/** A flag that pauses does so in its own entry: between the two no permit could come into being. */
function flagged(rollout: Rollout, change: Of<'rollout-flagged'>, entry: PolicyEntry): Rollout {
  const { kind: _, rolloutId: __, ...flag } = change;
  const { revision, at, author } = entry;
  const flags = [...(rollout.flags ?? []), { ...flag, revision, at, by: author }];
  const isLive = rollout.state === 'running' || rollout.state === 'completed';
  if (!isLive || !pausesWith(rollout, flag)) return { ...rollout, revision, flags };
  const source = flag.deviceId === undefined ? 'an operator' : 'drivers';
  const epoch = (rollout.epoch + 1) as Epoch;
  return {
    ...rollout,
    state: 'paused',
    revision,
    epoch,
    flags,
    reason: `Flagged by ${source}: ${flag.reason}`,
    stateSince: at,
  };
}

function withoutRegion(rollout: Rollout, change: Of<'region-halted'>, { revision }: PolicyEntry): Rollout {
  const { region, populations, isRollingBack = false } = change;
  const others = (rollout.haltedRegions ?? []).filter((one) => one.region !== region);
  return { ...rollout, revision, haltedRegions: [...others, { region, isRollingBack, populations }] };
}

function believed(rollout: Rollout, change: ExclusionChange, { revision }: PolicyEntry): Rollout {
  const { excludedDevices = [], ...others } = rollout;
  const named = new Set(change.deviceIds);
  const kept = excludedDevices.filter((one) => !named.has(one));
  const excluded: readonly DeviceId[] = change.kind === 'evidence-excluded' ? [...kept, ...named].sort() : kept;
  return { ...others, revision, ...(excluded.length === 0 ? {} : { excludedDevices: excluded }) };
}

type ExclusionChange = Of<'evidence-excluded' | 'evidence-included'>;

/** What the approvers ordered with a resume: what opens again, and whether the tests begin again. */
function ordered(
  rollout: Rollout,
  { resumed }: Of<'rollout-event'>,
  at: PolicyEntry['at'],
): Pick<Rollout, 'haltedSegments' | 'haltedRegions' | 'restarted'> {
  if (resumed === undefined) return { haltedSegments: rollout.haltedSegments };
  const haltedSegments = rollout.haltedSegments.filter((one) => !resumed.segments.includes(one));
  const { haltedRegions, restarted } = rollout;
  const stillHalted = haltedRegions?.filter((one) => resumed.regions?.includes(one.region) !== true);
  return {
    haltedSegments,
    ...(stillHalted === undefined ? {} : { haltedRegions: stillHalted }),
    ...(resumed.counts === 'continue' ? {} : { restarted: { at, count: (restarted?.count ?? 0) + 1 } }),
  };
}

/** What was overruled before and now, each with its author; no field at all when nothing was. */
function overruledIn(
  before: readonly Overruled[] = [],
  overrules: readonly Overrule[] = [],
  { author, at }: PolicyEntry,
): Pick<Rollout, 'overruled'> {
  const overruled = [...before, ...overrules.map((one) => ({ ...one, by: author, at }))];
  return overruled.length === 0 ? {} : { overruled };
}

function moved(rollout: Rollout, change: Of<'rollout-event'>, entry: PolicyEntry): Rollout {
  const { revision, at } = entry;
  const state = nextState(ROLLOUT_TABLE, rollout.state, change.event);
  assert(state !== undefined, `an event possible in ${rollout.state}, got ${change.event}`);
  return {
    ...rollout,
    state,
    revision,
    epoch: raisesEpoch(change.event) ? ((rollout.epoch + 1) as Epoch) : rollout.epoch,
    reason: change.reason,
    stateSince: state === rollout.state ? rollout.stateSince : at,
    ...overruledIn(rollout.overruled, change.overrules, entry),
    ...ordered(rollout, change, at),
    ...(change.event === 'resume' && rollout.flags !== undefined ? { flagsSeenTo: revision } : {}),
  };
}

function changedScopes(scopes: readonly PausedScope[], change: PolicyChange): readonly PausedScope[] {
  if (change.kind !== 'scope-paused' && change.kind !== 'scope-resumed') return scopes;
  const former = scopes.find((one) => one.scope === change.scope);
  const others = scopes.filter((one) => one.scope !== change.scope);
  if (change.kind === 'scope-resumed') return others;
  // Pausing again widens a pause to rollbacks and never narrows it: that takes a resume.
  const isIncludingRollback = (change.isIncludingRollback ?? false) || (former?.isIncludingRollback ?? false);
  return [...others, { scope: change.scope, isIncludingRollback }];
}

/** A table of a hundred thousand keys is copied only where one changes. */
function isAboutKeys(entries: readonly PolicyEntry[]): boolean {
  return entries.some(({ change: { kind } }) => kind === 'device-revoked' || kind === 'device-reinstated');
}

function changeKeys(revokedKeys: Map<KeyId, RevokedKey>, { change, at, author }: PolicyEntry): void {
  if (change.kind === 'device-reinstated') revokedKeys.delete(change.keyId);
  if (change.kind !== 'device-revoked') return;
  const { deviceId, keyId, reason } = change;
  revokedKeys.set(keyId, { deviceId, at, by: author, reason });
}

type Of<Kind extends PolicyChange['kind']> = Extract<PolicyChange, { readonly kind: Kind }>;

// SPDX-License-Identifier: Apache-2.0
import { assertNever } from '../kernel/assert.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import { nextState } from '../kernel/table.ts';
import type { PolicyError } from './errors.ts';
import { FLAGS_MAX } from './flags.ts';
import type { Policy } from './fold.ts';
import { ORDERS_MAX } from './freeze.ts';
import { GROUPS_MAX } from './group.ts';
import type { PolicyChange } from './log.ts';
import type { Rollout, RolloutState } from './rollout.ts';
import { ROLLOUT_TABLE } from './rollout-table.ts';
import { validatePlan } from './validate-plan.ts';

/**
 * Whether the change is possible on this policy. The answer holds for its revision alone: whoever appends the change
 * names that revision, and loses when another was faster. Codes: those of `PolicyError`.
 */
export function decideChange(policy: Policy, change: PolicyChange): Result<PolicyChange, PolicyError> {
  const error = faultOf(policy, change);
  return error === undefined ? ok(change) : err(error);
}

function faultOf(policy: Policy, change: PolicyChange): PolicyError | undefined {
  switch (change.kind) {
    case 'rollout-created':
      return faultOfCreation(policy, change);
    case 'rollout-event':
      return withRollout(policy, change, (rollout) => faultOfEvent(rollout, change));
    case 'segment-halted':
      return withRollout(policy, change, (rollout) => faultOfSegmentHalt(rollout, change));
    case 'rollout-chartered':
      return withRollout(policy, change, (rollout) => faultOfCharterChange(rollout, change));
    case 'rollout-flagged':
      return withRollout(policy, change, (rollout) => faultOfFlag(rollout, change));
    case 'region-halted':
      return withRollout(policy, change, (rollout) => faultOfRegionHalt(rollout, change));
    case 'evidence-excluded':
    case 'evidence-included':
      return withRollout(policy, change, (rollout) => faultOfExclusion(rollout, change));
    case 'rollout-limited':
      return withRollout(policy, change, (rollout) => faultOfLimit(rollout, change));
    case 'scope-paused':
      return undefined;
    case 'scope-resumed':
      return policy.pausedScopes.some((one) => one.scope === change.scope)
        ? undefined
        : { code: 'scope-not-paused', scope: change.scope };
    case 'device-revoked':
      return policy.revokedKeys.has(change.keyId) ? { code: 'key-revoked-already', keyId: change.keyId } : undefined;
    case 'device-reinstated':
      return policy.revokedKeys.has(change.keyId) ? undefined : { code: 'key-not-revoked', keyId: change.keyId };
    case 'freeze-set':
      return faultOfFreeze(policy, change);
    case 'freeze-lifted':
      return policy.orders.freezes.some((one) => one.freezeId === change.freezeId)
        ? undefined
        : { code: 'order-unknown', orderId: change.freezeId };
    case 'exclusion-set':
      return isFull(policy.orders.exclusions.filter((one) => one.exclusionId !== change.exclusionId).length)
        ? { code: 'orders-too-many', ordersMax: ORDERS_MAX }
        : undefined;
    case 'exclusion-lifted':
      return policy.orders.exclusions.some((one) => one.exclusionId === change.exclusionId)
        ? undefined
        : { code: 'order-unknown', orderId: change.exclusionId };
    case 'group-set':
    case 'group-removed':
      return faultOfGroup(policy, change);
    default:
      return assertNever(change);
  }
}

function faultOfFreeze({ orders }: Policy, { freezeId, times }: Of<'freeze-set'>): PolicyError | undefined {
  const isEmpty =
    times.kind === 'once'
      ? times.from >= times.until
      : times.from.day === times.until.day && times.from.minute === times.until.minute;
  if (isEmpty) return { code: 'freeze-empty' };
  const others = orders.freezes.filter((one) => one.freezeId !== freezeId);
  return isFull(others.length) ? { code: 'orders-too-many', ordersMax: ORDERS_MAX } : undefined;
}

/** Two people never change one group unseen: each names the revision of it that they saw. */
function faultOfGroup(
  { groups }: Policy,
  { kind, groupId, replaces }: Of<'group-set' | 'group-removed'>,
): PolicyError | undefined {
  const known = groups.get(groupId);
  if (replaces === undefined) {
    if (known !== undefined) return { code: 'group-exists', groupId, revision: known.revision };
    return groups.size >= GROUPS_MAX && kind === 'group-set'
      ? { code: 'groups-too-many', groupsMax: GROUPS_MAX }
      : undefined;
  }
  if (known === undefined) return { code: 'group-unknown', groupId };
  return known.revision === replaces
    ? undefined
    : { code: 'group-changed', groupId, revision: known.revision, expected: replaces };
}

function isFull(count: number): boolean {
  return count >= ORDERS_MAX;
}

function faultOfCreation(policy: Policy, { plan }: Of<'rollout-created'>): PolicyError | undefined {
  const { rolloutId, salt } = plan;
  if (policy.rollouts.has(rolloutId)) return { code: 'rollout-exists', rolloutId };
  for (const other of policy.rollouts.values()) {
    // One salt twice would make the same devices the canaries of both rollouts.
    if (other.plan.salt === salt) return { code: 'salt-reused', salt, rolloutId: other.plan.rolloutId };
  }
  const valid = validatePlan(plan);
  return valid.ok ? undefined : valid.error;
}

function faultOfEvent(rollout: Rollout, change: Of<'rollout-event'>): PolicyError | undefined {
  const { state } = rollout;
  const { event } = change;
  if (nextState(ROLLOUT_TABLE, state, event) === undefined) return { code: 'transition-impossible', state, event };
  if (event === 'resume') {
    const fault = faultOfResume(rollout, change);
    if (fault !== undefined) return fault;
  }
  const stopsRollback = state === 'rolling-back' && (event === 'pause' || event === 'cancel');
  if (event === 'complete' && rollout.limitDevices !== undefined) {
    return { code: 'limit-in-force', limitDevices: rollout.limitDevices };
  }
  if (stopsRollback && change.isIncludingRollback !== true) return { code: 'rollback-not-included', event };
  return undefined;
}

/** C1 of `ROLLOUT_TABLE`. The signatures themselves were verified before; without them there is nothing to verify. */
function faultOfResume(rollout: Rollout, { approval, resumed }: Of<'rollout-event'>): PolicyError | undefined {
  const isSigned = approval !== undefined && resumed !== undefined;
  if (rollout.state === 'halted' && !isSigned) return { code: 'resume-unsigned' };
  if (rollout.state !== 'halted' && resumed !== undefined) return { code: 'rollout-not-halted', state: rollout.state };
  const segment = resumed?.segments.find((one) => !rollout.haltedSegments.includes(one));
  if (segment !== undefined) return { code: 'segment-not-halted', segment };
  const halted = rollout.haltedRegions ?? [];
  const region = resumed?.regions?.find((name) => !halted.some((one) => one.region === name));
  return region === undefined ? undefined : { code: 'region-not-halted', region };
}

/** One person may say that reports are forged; that the rollout goes on without them takes two. */
function faultOfExclusion(
  { state, excludedDevices = [] }: Rollout,
  { kind, deviceIds }: Of<'evidence-excluded' | 'evidence-included'>,
): PolicyError | undefined {
  if (state !== 'halted') return { code: 'rollout-not-halted', state };
  const isExcluding = kind === 'evidence-excluded';
  const unchanged = deviceIds.find((one) => excludedDevices.includes(one) === isExcluding);
  if (unchanged !== undefined) return { code: 'exclusion-unchanged', deviceId: unchanged };
  const count = excludedDevices.length + new Set(deviceIds).size;
  return isExcluding && count > EXCLUDED_DEVICES_MAX
    ? { code: 'exclusions-too-many', devicesMax: EXCLUDED_DEVICES_MAX }
    : undefined;
}

/** What devices have been told stays as it was signed; what may be added while the rollout runs is openings. */
function faultOfCharterChange({ state, charter }: Rollout, change: Of<'rollout-chartered'>): PolicyError | undefined {
  if (HAS_ENDED.has(state)) return { code: 'rollout-ended', state };
  const mayReplace = state === 'draft' || state === 'approved';
  const isSame = charter?.document.payload === change.charter.document.payload;
  return mayReplace || isSame || charter === undefined ? undefined : { code: 'charter-in-force', state };
}

function faultOfSegmentHalt(rollout: Rollout, { segment }: Of<'segment-halted'>): PolicyError | undefined {
  if (!CAN_HALT_SEGMENT.has(rollout.state)) return { code: 'rollout-not-live', state: rollout.state };
  return rollout.haltedSegments.includes(segment) ? { code: 'segment-already-halted', segment } : undefined;
}

/** The way back may be added to a region that was stopped; taking it away again takes a resume by two people. */
function faultOfRegionHalt(rollout: Rollout, { region, isRollingBack }: Of<'region-halted'>): PolicyError | undefined {
  if (!CAN_HALT_SEGMENT.has(rollout.state)) return { code: 'rollout-not-live', state: rollout.state };
  const former = rollout.haltedRegions?.find((one) => one.region === region);
  const isWider = former !== undefined && !former.isRollingBack && isRollingBack === true;
  return former === undefined || isWider ? undefined : { code: 'region-already-halted', region };
}

/** Once a device, for good: two stolen keys pause one rollout once. What has not begun or has ended cannot be stopped. */
function faultOfFlag({ state, flags = [] }: Rollout, { deviceId }: Of<'rollout-flagged'>): PolicyError | undefined {
  if (!CAN_FLAG.has(state)) return { code: 'rollout-not-live', state };
  const isRepeated = deviceId !== undefined && flags.some((one) => one.deviceId === deviceId);
  if (isRepeated) return { code: 'flag-repeated', deviceId };
  return flags.length >= FLAGS_MAX ? { code: 'flags-too-many', flagsMax: FLAGS_MAX } : undefined;
}

const CAN_FLAG: ReadonlySet<RolloutState> = new Set<RolloutState>(['running', 'paused', 'completed', 'halted']);

/** A ceiling may be set from the first draft on, so that a rollout starts under it; what has ended admits nobody anyway. */
function faultOfLimit({ state, limitDevices }: Rollout, { devices }: Of<'rollout-limited'>): PolicyError | undefined {
  if (HAS_ENDED.has(state)) return { code: 'rollout-ended', state };
  return devices === undefined && limitDevices === undefined ? { code: 'limit-absent' } : undefined;
}

/** They are stored with each decision; whoever holds more keys than this holds a fleet, and a new rollout is the way on. */
export const EXCLUDED_DEVICES_MAX = 1_000;

const HAS_ENDED: ReadonlySet<RolloutState> = new Set<RolloutState>(['cancelled', 'rolling-back', 'rolled-back']);

const CAN_HALT_SEGMENT: ReadonlySet<RolloutState> = new Set<RolloutState>(['running', 'paused', 'completed']);

function withRollout(
  policy: Policy,
  {
    rolloutId,
  }: Of<
    | 'rollout-event'
    | 'segment-halted'
    | 'region-halted'
    | 'rollout-chartered'
    | 'rollout-flagged'
    | 'rollout-limited'
    | 'evidence-excluded'
    | 'evidence-included'
  >,
  faultIn: (rollout: Rollout) => PolicyError | undefined,
): PolicyError | undefined {
  const rollout = policy.rollouts.get(rolloutId);
  return rollout === undefined ? { code: 'rollout-unknown', rolloutId } : faultIn(rollout);
}

type Of<Kind extends PolicyChange['kind']> = Extract<PolicyChange, { readonly kind: Kind }>;

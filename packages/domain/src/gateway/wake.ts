// SPDX-License-Identifier: Apache-2.0

import { assertNever } from '../kernel/assert.ts';
import type { DeviceId } from '../kernel/ids.ts';
import type { Audience } from '../policy/audience.ts';
import { orderOf } from '../policy/place.ts';
import { thresholdOf } from './candidate.ts';
import type { LiveRollout, PolicySnapshot } from './snapshot.ts';

/** A device that listens, as far as a call asks about it. */
export interface Listener {
  readonly deviceId: DeviceId;
  readonly deviceType: string;
  readonly region: string;
  readonly tags: readonly string[];
}

/**
 * Whom a change of the policy calls to check in. A call says nothing but "check in": it opens nothing, and whoever is called in vain gets
 * the answer that it would have got at its next poll.
 */
export type Call =
  /** Something holds, or holds no more, for everybody or in a region. */
  | { readonly kind: 'scope'; readonly region?: string; readonly deviceTypes: ReadonlySet<string> }
  /** An order about an audience was set or lifted. */
  | { readonly kind: 'audience'; readonly audience: Audience; readonly deviceTypes: ReadonlySet<string> }
  /** A rollout reaches further, or is no longer what it was: those between two places of its order, and rings. */
  | {
      readonly kind: 'rollout';
      readonly deviceType: string;
      readonly salt: string;
      /** From this place of the order on, up to the other one, which is not part of it. */
      readonly fromPlace: number;
      readonly toPlace: number;
      readonly ringTags: ReadonlySet<string>;
    };

/** What two policies, the one read before and the newest, are to each other for those who listen. */
export function callsBetween(before: PolicySnapshot, after: PolicySnapshot): readonly Call[] {
  return [...callsOfScopes(before, after), ...callsOfOrders(before, after), ...callsOfRollouts(before, after)];
}

/** Whether the call is for this device. */
export function isCalled(call: Call, listener: Listener): boolean {
  switch (call.kind) {
    case 'scope':
      return (
        call.deviceTypes.has(listener.deviceType) && (call.region === undefined || call.region === listener.region)
      );
    case 'audience':
      return call.deviceTypes.has(listener.deviceType) && mayBeIn(call.audience, listener, true);
    case 'rollout': {
      if (call.deviceType !== listener.deviceType) return false;
      if (listener.tags.some((tag) => call.ringTags.has(tag))) return true;
      if (call.fromPlace >= call.toPlace) return false;
      const place = orderOf(call.salt, listener.deviceId);
      return call.fromPlace <= place && place < call.toPlace;
    }
    default:
      return assertNever(call);
  }
}

/** A pause, or its end: whoever has something to do with a live rollout. */
function callsOfScopes(before: PolicySnapshot, after: PolicySnapshot): readonly Call[] {
  const changed = changedIn(scopesOf(before), scopesOf(after));
  const deviceTypes = typesOf(before, after);
  return changed.map((scope) =>
    scope.startsWith(REGION)
      ? { kind: 'scope', region: scope.slice(REGION.length), deviceTypes }
      : { kind: 'scope', deviceTypes },
  );
}

const REGION = 'region:';

function scopesOf({ pausedScopes }: PolicySnapshot): ReadonlySet<string> {
  return new Set(pausedScopes.map(({ scope }) => scope));
}

/** Of devices that a live rollout is for. */
function typesOf(before: PolicySnapshot, after: PolicySnapshot): ReadonlySet<string> {
  return new Set([...before.rolloutsByDeviceType.keys(), ...after.rolloutsByDeviceType.keys()]);
}

/** Freezes and exclusions that were set or lifted; what begins or ends by its own time is found at the next poll. */
function callsOfOrders(before: PolicySnapshot, after: PolicySnapshot): readonly Call[] {
  const deviceTypes = typesOf(before, after);
  const [former, now] = [audiencesOf(before.orders), audiencesOf(after.orders)];
  return changedIn(new Set(former.keys()), new Set(now.keys())).flatMap((name) => {
    const audience = now.get(name) ?? former.get(name);
    return audience === undefined ? [] : [{ kind: 'audience', audience, deviceTypes }];
  });
}

/** By a name that changes with what the order says of whom it is about. */
function audiencesOf({ freezes, exclusions }: PolicySnapshot['orders']): ReadonlyMap<string, Audience> {
  return new Map([
    ...freezes.map(({ freezeId, audience }) => [`freeze ${freezeId} ${JSON.stringify(audience)}`, audience] as const),
    ...exclusions.map(({ exclusionId, of }) => [`exclusion ${exclusionId} ${JSON.stringify(of)}`, of] as const),
  ]);
}

/** False only where it is known that the device is in the audience, or is not, as asked: else it is called in vain. */
function mayBeIn(audience: Audience, listener: Listener, isAsked: boolean): boolean {
  switch (audience.kind) {
    case 'all-of':
      return isAsked
        ? audience.of.every((one) => mayBeIn(one, listener, true))
        : audience.of.some((one) => mayBeIn(one, listener, false));
    case 'any-of':
      return isAsked
        ? audience.of.some((one) => mayBeIn(one, listener, true))
        : audience.of.every((one) => mayBeIn(one, listener, false));
    case 'not':
      return mayBeIn(audience.of, listener, !isAsked);
    case 'device':
      return audience.in.includes(listener.deviceId) === isAsked;
    case 'tag':
      return listener.tags.includes(audience.tag) === isAsked;
    case 'attribute':
      return audience.name !== 'region' || audience.in.includes(listener.region) === isAsked;
    case 'everyone':
      return isAsked;
    case 'version':
      return true;
    default:
      return assertNever(audience);
  }
}

function changedIn(former: ReadonlySet<string>, now: ReadonlySet<string>): readonly string[] {
  return [...[...former].filter((one) => !now.has(one)), ...[...now].filter((one) => !former.has(one))];
}

function callsOfRollouts(before: PolicySnapshot, after: PolicySnapshot): readonly Call[] {
  const calls: Call[] = [];
  for (const rolloutId of new Set([...before.rollouts.keys(), ...after.rollouts.keys()])) {
    const [former, live] = [before.rollouts.get(rolloutId), after.rollouts.get(rolloutId)];
    const reach = former === live ? undefined : reachChanged(former, live);
    const { plan } = (live ?? former)?.rollout ?? {};
    if (reach === undefined || plan === undefined) continue;
    calls.push({ kind: 'rollout', deviceType: plan.deviceType, salt: plan.salt, ...reach });
  }
  return calls;
}

type Reach = Pick<Extract<Call, { kind: 'rollout' }>, 'fromPlace' | 'toPlace' | 'ringTags'>;

/** Whoever the rollout has come to when it stands otherwise; those it comes to now when it only reaches further. */
function reachChanged(former: LiveRollout | undefined, live: LiveRollout | undefined): Reach | undefined {
  const [was, is] = [former === undefined ? 0 : thresholdOf(former), live === undefined ? 0 : thresholdOf(live)];
  const [wasRings, areRings] = [ringTagsOf(former), ringTagsOf(live)];
  if (standsOtherwise(former, live)) {
    return { fromPlace: 0, toPlace: Math.max(was, is), ringTags: new Set([...wasRings, ...areRings]) };
  }
  const opened = new Set([...areRings].filter((tag) => !wasRings.has(tag)));
  return is > was || opened.size > 0 ? { fromPlace: was, toPlace: is, ringTags: opened } : undefined;
}

/** Flags, limits and counts change nothing for a device that listens. */
function standsOtherwise(former: LiveRollout | undefined, live: LiveRollout | undefined): boolean {
  if (former === undefined || live === undefined) return true;
  const [was, is] = [former.rollout, live.rollout];
  return (
    was.state !== is.state ||
    was.epoch !== is.epoch ||
    was.haltedSegments.length !== is.haltedSegments.length ||
    was.haltedRegions?.length !== is.haltedRegions?.length
  );
}

function ringTagsOf(live: LiveRollout | undefined): Set<string> {
  if (live === undefined) return new Set();
  const { plan } = live.rollout;
  return new Set(plan.waves.slice(0, live.exposure.waveIndex + 1).flatMap(({ ringTags }) => ringTags ?? []));
}

// SPDX-License-Identifier: Apache-2.0
import type { Explanation } from '@outrider/domain/gateway/explain';
import type { Registry } from '@outrider/domain/gateway/ports';
import { type DeviceId, parseId, type RolloutId } from '@outrider/domain/kernel/ids';
import type { Audience } from '@outrider/domain/policy/audience';
import { isAudienceWithin } from '@outrider/domain/policy/audience-reach';
import type { Group } from '@outrider/domain/policy/group';
import type { Rollout } from '@outrider/domain/policy/rollout';
import type { Person } from '@outrider/domain/trust/person';
import { describeReach, isWhole, type Reach, reaches } from '@outrider/domain/trust/reach';
import type { CommandError } from '../errors.ts';
import type { RouteReach } from '../http/route-access.ts';
import { policyProblem } from '../policy/policy-problem.ts';
import type { SnapshotHolder } from '../policy/snapshot-holder.ts';

/** Holds people with a limited reach to it. What lies outside is as if it were not there: not even its name is told. */
export interface Reaching {
  /** Why the person may not use a route on what its path names; undefined: they may. */
  faultOf(person: Person, reach: RouteReach, params: unknown): Promise<CommandError | undefined>;
  /** An explanation of a device of theirs: of rollouts for others only that nothing of them reaches it. */
  shownExplanation<T extends Explanation>(person: Person, explanation: T): T;
}

export function reaching({
  registry,
  holder,
}: {
  readonly registry: Registry;
  readonly holder: SnapshotHolder;
}): Reaching {
  return {
    shownExplanation: (person, explanation) => explanationWithin(person, explanation, holder),
    async faultOf(person, reach, params) {
      if (isWhole(person.reach) || reach === 'any' || reach === 'filtered') return undefined;
      const named = new Map<string, unknown>(Object.entries(params ?? {}));
      switch (reach) {
        case 'rollout':
          return faultOfRollout(person.reach, idIn<RolloutId>(named.get('rolloutId')), holder);
        case 'device':
          return faultOfDevice(person.reach, idIn<DeviceId>(named.get('deviceId')), registry);
        default:
          return beyond(person, 'This is about the whole installation');
      }
    },
  };
}

/** A rollout is told of where it is the person's own, and where the device is in its audience. */
function explanationWithin<T extends Explanation>(person: Person, explanation: T, holder: SnapshotHolder): T {
  if (isWhole(person.reach)) return explanation;
  const { rollouts } = holder.policy();
  const shown = explanation.rollouts.filter(({ rolloutId, offer }) => {
    const rollout = rollouts.get(rolloutId);
    const isMeant = offer.some((one) => one.predicate === 'not-in-audience' && one.holds);
    return isMeant || (rollout !== undefined && isRolloutWithin(rollout, person.reach));
  });
  return { ...explanation, rollouts: shown };
}

/** Whether somebody with this reach is told of a rollout at all. */
export function isRolloutWithin({ plan }: Pick<Rollout, 'plan'>, reach: Reach): boolean {
  return isWhole(reach) || isAudienceWithin(plan.audience, reach);
}

/** Whether somebody with this reach is told of a group at all. */
export function isGroupWithin({ audience }: Pick<Group, 'audience'>, reach: Reach): boolean {
  return isWhole(reach) || isAudienceWithin(audience, reach);
}

/** Why somebody may not stop or resume a scope: a region holds devices of every customer, and global everything. */
export function faultOfScope(person: Person, scope: string): CommandError | undefined {
  const { customers, regions } = person.reach;
  if (isWhole(person.reach)) return undefined;
  const isOwn = customers === undefined && (regions ?? []).some((region) => scope === `region:${region}`);
  return isOwn ? undefined : beyond(person, `The scope ${scope} holds devices of others`);
}

/** The paused scopes that somebody is told of: those that stop devices of theirs. */
export function scopesWithin<T extends string | { readonly scope: string }>(
  scopes: readonly T[],
  reach: Reach,
): readonly T[] {
  const { regions } = reach;
  if (regions === undefined) return scopes;
  const nameOf = (one: T): string => (typeof one === 'string' ? one : one.scope);
  return scopes.filter(
    (one) => nameOf(one) === 'global' || regions.some((region) => nameOf(one) === `region:${region}`),
  );
}

/** A plan whose audience could hold a device outside. Undefined: it cannot. */
export function faultOfAudience(person: Person, audience: Audience): CommandError | undefined {
  if (isWhole(person.reach) || isAudienceWithin(audience, person.reach)) return undefined;
  return beyond(
    person,
    'The audience can hold devices of other customers or regions; limit it by --customer or --region',
  );
}

/** A refusal that says how far the person reaches. */
export function beyond(person: Person, what: string): CommandError {
  return {
    code: 'out-of-reach',
    detail: `${what}; ${person.personId} reaches ${describeReach(person.reach)}`.slice(0, 900),
  };
}

async function faultOfRollout(
  reach: Reach,
  rolloutId: RolloutId | undefined,
  holder: SnapshotHolder,
): Promise<CommandError | undefined> {
  if (rolloutId === undefined) return undefined;
  await holder.refresh();
  const rollout = holder.policy().rollouts.get(rolloutId);
  if (rollout !== undefined && isRolloutWithin(rollout, reach)) return undefined;
  return policyProblem({ code: 'rollout-unknown', rolloutId });
}

async function faultOfDevice(
  reach: Reach,
  deviceId: DeviceId | undefined,
  registry: Registry,
): Promise<CommandError | undefined> {
  if (deviceId === undefined) return undefined;
  const [device] = await registry.loadDevices([deviceId]);
  if (device !== undefined && reaches(reach, device.record.attributes)) return undefined;
  const detail = 'No device is registered under this id; GET /api/v1/devices lists them';
  return { code: 'device-not-found', detail, fields: { deviceId } };
}

function idIn<T extends DeviceId | RolloutId>(text: unknown): T | undefined {
  const parsed = parseId<T>('id', text);
  return parsed.ok ? parsed.value : undefined;
}

// SPDX-License-Identifier: Apache-2.0
import { err, ok, type Result } from '../../kernel/result.ts';
import { after, type FleetInstant } from '../../kernel/time.ts';
import { type CeremonyError, changedRole, type KeyChange, keysNamed, LIFETIMES } from './ceremony.ts';
import { type ApproverKeys, type RootMetadata, TOP_ROLES } from './metadata.ts';

/** Other approvers, and whose keys they are. */
export interface ApproverChange extends KeyChange {
  /** Digests of people (`personDigest`) by the name of a group, all of whose keys are theirs, or by a key id. */
  readonly people: ReadonlyMap<string, string>;
}

/**
 * The next root of the director, in which others approve rollouts: devices follow it as they follow any other change of keys. Where
 * the root named nobody before, the change begins with none. Codes: those of changedRole, key-unfit, person-in-two-groups.
 */
export function nextApprovers(
  root: RootMetadata,
  { change, now }: { readonly change: ApproverChange; readonly now: FleetInstant },
): Result<RootMetadata, CeremonyError> {
  const unfit = change.add.find(({ key }) => key.scheme !== 'ed25519');
  if (unfit !== undefined) {
    const detail = `The key ${unfit.keyId} is of the kind ${unfit.key.scheme}; devices check charters by ed25519 alone`;
    return err({ code: 'key-unfit', detail });
  }
  const former: ApproverKeys = root.approvers ?? { keyIds: [], threshold: firstThreshold(change), groups: new Map() };
  const changed = changedRole(former, 'approvers', change);
  if (!changed.ok) return changed;
  const people = peopleAfter(former, changed.value, change);
  if (!people.ok) return people;
  const approvers = { ...changed.value, people: people.value };
  const double = personInTwoGroups(approvers);
  if (double !== undefined) return err(double);
  const named = new Set([...TOP_ROLES.map((role) => root.roles[role]), approvers].flatMap(({ keyIds }) => keyIds));
  return ok({
    ...root,
    version: root.version + 1,
    expiresAt: after(now, LIFETIMES.root),
    keys: keysNamed(root.keys, change, named),
    approvers,
  });
}

/** Two people, where there are two. */
function firstThreshold({ add }: KeyChange): number {
  return Math.min(2, new Set(add.map(({ keyId, group = keyId }) => group)).size);
}

function peopleAfter(
  former: ApproverKeys,
  { keyIds, groups }: Pick<ApproverKeys, 'keyIds' | 'groups'>,
  { people }: ApproverChange,
): Result<ReadonlyMap<string, string>, CeremonyError> {
  const found = new Map([...(former.people ?? [])].filter(([keyId]) => keyIds.includes(keyId)));
  for (const [name, person] of people) {
    const own = groups?.get(name) ?? keyIds.filter((keyId) => keyId === name);
    if (own.length === 0) {
      const detail = `There is no group and no key ${name} among the approvers; there are ${[...(groups?.keys() ?? [])].join(', ')}`;
      return err({ code: 'key-not-in-role', detail });
    }
    for (const keyId of own) found.set(keyId, person);
  }
  return ok(found);
}

function personInTwoGroups({ groups, people }: ApproverKeys): CeremonyError | undefined {
  const seen = new Map<string, string>();
  for (const [group, keyIds] of groups ?? []) {
    for (const person of new Set(keyIds.flatMap((keyId) => people?.get(keyId) ?? []))) {
      const other = seen.get(person);
      if (other !== undefined) {
        const detail = `One person has keys in the groups ${other} and ${group}, and would count twice; put all keys of a person into one group`;
        return { code: 'person-in-two-groups', detail };
      }
      seen.set(person, group);
    }
  }
  return undefined;
}

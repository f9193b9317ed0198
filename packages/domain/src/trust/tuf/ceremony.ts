// SPDX-License-Identifier: Apache-2.0
import { err, ok, type Result } from '../../kernel/result.ts';
import { after, DAY_MS, type DurationMs, type FleetInstant, HOUR_MS } from '../../kernel/time.ts';
import type {
  DelegatedRole,
  KeyTable,
  MetadataKey,
  RoleKeys,
  RootMetadata,
  TargetsMetadata,
  TopRole,
} from './metadata.ts';

/** How long a document of each kind holds. Source: the table of docs/trust.md. */
export const LIFETIMES = {
  root: (365 * DAY_MS) as DurationMs,
  targets: (90 * DAY_MS) as DurationMs,
  snapshot: (7 * DAY_MS) as DurationMs,
  timestamp: DAY_MS,
  'fleet-timestamp': HOUR_MS,
  'device-targets': DAY_MS,
} as const satisfies Readonly<Record<string, DurationMs>>;

/** A public key with its id. */
export interface NamedKey {
  readonly keyId: string;
  readonly key: MetadataKey;
  /** Whose hands it lies in, for example `build`. */
  readonly group?: string;
}

/** The documents of a root: who may sign, under which thresholds. */
export interface RootPlan {
  readonly roles: Readonly<Record<TopRole, { readonly keys: readonly NamedKey[]; readonly threshold: number }>>;
  readonly now: FleetInstant;
}

/** A change that would leave a role that nobody can sign for. */
export interface CeremonyError {
  readonly code:
    | 'threshold-out-of-reach'
    | 'key-not-in-role'
    | 'role-not-there'
    | 'key-there-already'
    | 'key-unfit'
    | 'person-in-two-groups';
  readonly detail: string;
}

/** The first root of a repository. Code: threshold-out-of-reach. */
export function firstRoot({ roles, now }: RootPlan): Result<RootMetadata, CeremonyError> {
  const keys = new Map(
    Object.values(roles).flatMap((role) => role.keys.map(({ keyId, key }) => [keyId, key] as const)),
  );
  const made = Object.fromEntries(Object.entries(roles).map(([name, role]) => [name, ungrouped(role)]));
  const root: RootMetadata = {
    type: 'root',
    version: 1,
    expiresAt: after(now, LIFETIMES.root),
    keys,
    // Made from a record over the same four names.
    roles: made as Readonly<Record<TopRole, RoleKeys>>,
    isConsistent: true,
  };
  const fault = Object.entries(root.roles)
    .map(([name, role]) => faultOf(name, role))
    .find((one) => one !== undefined);
  return fault === undefined ? ok(root) : err(fault);
}

/** A change of keys: some leave, some come, the threshold may change with them. */
export interface KeyChange {
  readonly remove: readonly string[];
  readonly add: readonly NamedKey[];
  readonly threshold?: number;
}

/** The next root, with other keys for one role. Its signers are those of the former root and its own. */
export function nextRoot(
  root: RootMetadata,
  { role, change, now }: { readonly role: TopRole; readonly change: KeyChange; readonly now: FleetInstant },
): Result<RootMetadata, CeremonyError> {
  const changed = changedRole(root.roles[role], role, change);
  if (!changed.ok) return changed;
  const roles = { ...root.roles, [role]: changed.value };
  const named = new Set([...Object.values(roles), root.approvers].flatMap((one) => one?.keyIds ?? []));
  return ok({
    ...root,
    version: root.version + 1,
    expiresAt: after(now, LIFETIMES.root),
    keys: keysNamed(root.keys, change, named),
    roles,
  });
}

/** The next targets, with a delegation made, changed or taken away. */
export function nextDelegations(
  targets: TargetsMetadata,
  {
    role,
    now,
  }: { readonly role: DelegatedRole & { readonly signers: readonly NamedKey[] }; readonly now: FleetInstant },
): Result<TargetsMetadata, CeremonyError> {
  const { signers, ...delegated } = role;
  const fault = faultOf(role.name, delegated);
  if (fault !== undefined) return err(fault);
  const former = targets.delegations ?? { keys: new Map(), roles: [] };
  const isKnown = former.roles.some(({ name }) => name === role.name);
  const roles = isKnown
    ? former.roles.map((one) => (one.name === role.name ? delegated : one))
    : [...former.roles, delegated];
  const named = new Set(roles.flatMap(({ keyIds }) => keyIds));
  return ok({
    ...targets,
    version: targets.version + 1,
    expiresAt: after(now, LIFETIMES.targets),
    delegations: { keys: keysNamed(former.keys, { remove: [], add: signers }, named), roles },
  });
}

/** A role of a model or a supplier: everything below its name, so many groups of these keys. */
export function delegatedRole(
  name: string,
  { keys, threshold }: { readonly keys: readonly NamedKey[]; readonly threshold: number },
): DelegatedRole & { readonly signers: readonly NamedKey[] } {
  const groups = new Map<string, readonly string[]>();
  for (const { keyId, group = keyId } of keys) groups.set(group, [...(groups.get(group) ?? []), keyId]);
  return {
    name,
    keyIds: keys.map(({ keyId }) => keyId),
    threshold,
    groups,
    // What lies below a model's name only its own role may name.
    isTerminating: true,
    paths: [`${name}/*`],
    signers: keys,
  };
}

/** The role after the change. Codes: key-not-in-role, key-there-already, threshold-out-of-reach. */
export function changedRole(role: RoleKeys, name: string, change: KeyChange): Result<RoleKeys, CeremonyError> {
  const unknown = change.remove.find((keyId) => !role.keyIds.includes(keyId));
  if (unknown !== undefined) {
    return err({
      code: 'key-not-in-role',
      detail: `The key ${unknown} does not sign for ${name}; its keys are ${role.keyIds.join(', ')}`,
    });
  }
  const twice = change.add.find(({ keyId }) => role.keyIds.includes(keyId));
  if (twice !== undefined) {
    return err({ code: 'key-there-already', detail: `The key ${twice.keyId} signs for ${name} already` });
  }
  const stays = (keyId: string) => !change.remove.includes(keyId);
  const changed: RoleKeys = {
    keyIds: [...role.keyIds.filter(stays), ...change.add.map(({ keyId }) => keyId)],
    threshold: change.threshold ?? role.threshold,
    ...(role.groups && { groups: changedGroups(role.groups, change) }),
  };
  const fault = faultOf(name, changed);
  return fault === undefined ? ok(changed) : err(fault);
}

function changedGroups(
  groups: ReadonlyMap<string, readonly string[]>,
  change: KeyChange,
): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  for (const [name, keyIds] of groups)
    found.set(
      name,
      keyIds.filter((keyId) => !change.remove.includes(keyId)),
    );
  for (const { keyId, group = keyId } of change.add) found.set(group, [...(found.get(group) ?? []), keyId]);
  return new Map([...found].filter(([, keyIds]) => keyIds.length > 0));
}

/** Of the keys that are there and come, those that somebody names still. */
export function keysNamed(keys: KeyTable, { add }: KeyChange, named: ReadonlySet<string>): KeyTable {
  const all = new Map([...keys, ...add.map(({ keyId, key }) => [keyId, key] as const)]);
  return new Map([...all].filter(([keyId]) => named.has(keyId)));
}

function ungrouped({ keys, threshold }: { readonly keys: readonly NamedKey[]; readonly threshold: number }): RoleKeys {
  return { keyIds: keys.map(({ keyId }) => keyId), threshold };
}

function faultOf(name: string, { keyIds, threshold, groups }: RoleKeys): CeremonyError | undefined {
  const voices = groups?.size ?? new Set(keyIds).size;
  if (Number.isSafeInteger(threshold) && threshold >= 1 && threshold <= voices) return undefined;
  const what = groups === undefined ? 'keys' : 'groups of keys';
  const detail = `${name} asks for ${threshold} signatures and has ${voices} ${what}; name more of them, or a threshold from 1 to ${voices}`;
  return { code: 'threshold-out-of-reach', detail };
}

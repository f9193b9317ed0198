// SPDX-License-Identifier: Apache-2.0
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import { after, type FleetInstant } from '@outrider/domain/kernel/time';
import { type ApproverChange, nextApprovers } from '@outrider/domain/trust/tuf/approvers';
import {
  type CeremonyError,
  changedRole,
  type KeyChange,
  LIFETIMES,
  nextDelegations,
  nextRoot,
} from '@outrider/domain/trust/tuf/ceremony';
import type { DelegatedRole, RootMetadata, TargetsMetadata, TopRole } from '@outrider/domain/trust/tuf/metadata';
import type { Draft } from './draft.ts';
import type { OnlineName, TrustFolder } from './trust-folder.ts';

/** Roles whose keys are at the server: a new one is made there, nobody names it. */
export const ONLINE_ROLES: Readonly<Record<string, OnlineName>> = {
  snapshot: 'snapshot',
  timestamp: 'timestamp',
  director: 'permit',
};

/** What a ceremony writes: documents without signatures, in the order in which they must be in force. */
type Drafts = Result<readonly Draft[], CeremonyError>;

/** Other keys for a role. People of the root sign for both repositories, and for the delegations. */
export function draftsOfChange(
  trust: TrustFolder,
  role: string,
  around: { readonly change: KeyChange & Partial<ApproverChange>; readonly now: FleetInstant },
): Drafts {
  if (role === 'approvers') return approverDrafts(trust, around);
  if (role === 'root') return peopleChange(trust, around);
  if (role === 'snapshot' || role === 'timestamp') return rootDrafts('image', trust.image.root.signed, [role], around);
  if (role === 'director') {
    return rootDrafts('director', trust.director.document.signed, ['targets', 'snapshot', 'timestamp'], around);
  }
  return modelChange(trust, role, around);
}

/** The same again with a new end: the yearly and quarterly signing. */
export function draftsOfRenewal(trust: TrustFolder, role: string, now: FleetInstant): Drafts {
  const change = { remove: [], add: [] };
  if (role === 'root') return peopleChange(trust, { change, now });
  const document = trust.image.targets.get(role)?.document.signed;
  if (document !== undefined) return ok([draft('image', role, renewed(document, now))]);
  if (role === 'approvers' || role === 'director') {
    const detail = `The keys of ${role} stand in a root, and hold as long as that: renew it with --role root`;
    return err({ code: 'role-not-there', detail });
  }
  const isOnline = ONLINE_ROLES[role] !== undefined;
  if (!isOnline) return err(noSuchRole(trust, role));
  return err({ code: 'role-not-there', detail: `The server signs ${role} anew by itself, long before it lapses` });
}

/** A model or supplier that signs for itself from now on. */
export function draftsOfDelegation(
  trust: TrustFolder,
  role: Parameters<typeof nextDelegations>[1]['role'],
  now: FleetInstant,
): Drafts {
  const targets = trust.image.targets.get('targets')?.document.signed;
  if (targets === undefined) return err(noSuchRole(trust, 'targets'));
  const next = nextDelegations(targets, { role, now });
  return next.ok ? ok([draft('image', 'targets', next.value)]) : next;
}

/** Roles that a key signs for, in the words of `--role`. */
export function rolesOfKey({ image, director }: TrustFolder, keyId: string): readonly string[] {
  const { roles } = image.root.signed;
  const models = image.targets.get('targets')?.document.signed.delegations?.roles ?? [];
  return [
    ...(roles.root.keyIds.includes(keyId) ? ['root'] : []),
    ...(['snapshot', 'timestamp'] as const).filter((role) => roles[role].keyIds.includes(keyId)),
    ...(director.document.signed.roles.targets.keyIds.includes(keyId) ? ['director'] : []),
    ...(director.document.signed.approvers?.keyIds.includes(keyId) === true ? ['approvers'] : []),
    ...models.filter(({ keyIds }) => keyIds.includes(keyId)).map(({ name }) => name),
  ];
}

/** The key id that begins so, as `trust status` shows them; what begins no key, or several, stays as it is. */
export function wholeKeyId({ image, director }: TrustFolder, text: string): string {
  const delegations = image.targets.get('targets')?.document.signed.delegations;
  const tables = [image.root.signed.keys, director.document.signed.keys, delegations?.keys ?? new Map()];
  const found = [...new Set(tables.flatMap((table) => [...table.keys()]))].filter((keyId) => keyId.startsWith(text));
  const [first] = found;
  return found.length === 1 && first !== undefined && text.length >= BEGINNING_DIGITS_MIN ? first : text;
}

/** Of a key id: a beginning that another key has by chance once in four thousand million. */
const BEGINNING_DIGITS_MIN = 8;

/** Who signs a draft: for a root the people of the former one and its own, else whoever the role above names. */
export function signersOf(
  trust: TrustFolder,
  { repository, role, metadata }: Draft,
  drafts: readonly Draft[],
): ReadonlySet<string> {
  const { image, director } = trust;
  if (metadata.type === 'root') {
    const former = repository === 'image' ? image.root.signed : director.document.signed;
    return new Set([...former.roles.root.keyIds, ...metadata.roles.root.keyIds]);
  }
  const root = drafts.find((one) => one.repository === 'image' && one.role === 'root')?.metadata;
  const top = root?.type === 'root' ? root : image.root.signed;
  if (role === 'targets') return new Set(top.roles.targets.keyIds);
  const above = drafts.find((one) => one.role === 'targets')?.metadata;
  const targets = above?.type === 'targets' ? above : image.targets.get('targets')?.document.signed;
  return new Set(targets?.delegations?.roles.find(({ name }) => name === role)?.keyIds ?? []);
}

/** Who signs charters stands in the director's root, which every device follows at each check-in. */
function approverDrafts(
  { director }: TrustFolder,
  { change, now }: { readonly change: KeyChange & Partial<ApproverChange>; readonly now: FleetInstant },
): Drafts {
  const next = nextApprovers(director.document.signed, { change: { people: new Map(), ...change }, now });
  return next.ok ? ok([draft('director', 'root', next.value)]) : next;
}

function peopleChange(trust: TrustFolder, around: { readonly change: KeyChange; readonly now: FleetInstant }): Drafts {
  const image = rootDrafts('image', trust.image.root.signed, ['root', 'targets'], around);
  const director = rootDrafts('director', trust.director.document.signed, ['root'], around);
  if (!image.ok || !director.ok) return image.ok ? director : image;
  const targets = trust.image.targets.get('targets')?.document.signed;
  // Signed by who leaves, perhaps: what the people say of the models, they say again.
  const again = targets === undefined ? [] : [draft('image', 'targets', renewed(targets, around.now))];
  return ok([...image.value, ...again, ...director.value]);
}

function rootDrafts(
  repository: Draft['repository'],
  root: RootMetadata,
  roles: readonly TopRole[],
  { change, now }: { readonly change: KeyChange; readonly now: FleetInstant },
): Drafts {
  let next = root;
  for (const role of roles) {
    const changed = nextRoot(next, { role, change, now });
    if (!changed.ok) return changed;
    next = { ...changed.value, version: root.version + 1 };
  }
  return ok([draft(repository, 'root', next)]);
}

function modelChange(
  trust: TrustFolder,
  name: string,
  { change, now }: { readonly change: KeyChange; readonly now: FleetInstant },
): Drafts {
  const targets = trust.image.targets.get('targets')?.document.signed;
  const former = targets?.delegations?.roles.find((role) => role.name === name);
  if (targets?.delegations === undefined || former === undefined) return err(noSuchRole(trust, name));
  const changed = changedRole(former, name, change);
  if (!changed.ok) return changed;
  const { keys } = targets.delegations;
  const stay = former.keyIds.flatMap((keyId) => {
    const key = keys.get(keyId);
    return key === undefined || change.remove.includes(keyId) ? [] : [{ keyId, key }];
  });
  const role: DelegatedRole = { ...former, ...changed.value };
  const next = nextDelegations(targets, { role: { ...role, signers: [...stay, ...change.add] }, now });
  if (!next.ok) return next;
  const document = trust.image.targets.get(name)?.document.signed;
  const own = document === undefined ? [] : [draft('image', name, renewed(document, now))];
  return ok([draft('image', 'targets', next.value), ...own]);
}

function renewed(targets: TargetsMetadata, now: FleetInstant): TargetsMetadata {
  return { ...targets, version: targets.version + 1, expiresAt: after(now, LIFETIMES.targets) };
}

function draft(repository: Draft['repository'], role: string, metadata: Draft['metadata']): Draft {
  return { repository, role, metadata, signatures: [] };
}

function noSuchRole({ image }: TrustFolder, role: string): CeremonyError {
  const known = ['root', 'approvers', ...Object.keys(ONLINE_ROLES), ...image.targets.keys()].join(', ');
  return { code: 'role-not-there', detail: `There is no role ${role}; there are ${known}` };
}

// SPDX-License-Identifier: Apache-2.0
import { loadPublished, newestRoot } from '@outrider/adapters/shared/metadata-repository';
import { DAY_MS, type FleetInstant, instantText } from '@outrider/domain/kernel/time';
import { LIFETIMES } from '@outrider/domain/trust/tuf/ceremony';
import type { MetadataHead, RoleKeys } from '@outrider/domain/trust/tuf/metadata';
import type { MetadataStore } from '@outrider/domain/trust/tuf/ports';
import { type Standing, standingOf } from '@outrider/domain/trust/tuf/publication';
import { metadataReader } from '@outrider/protocol/trust/tuf/read-metadata';

/** One document in force, who signs it, and how long it holds. */
export interface TrustRow {
  readonly repository: 'image' | 'director';
  readonly role: string;
  readonly version: number;
  readonly expires: string;
  readonly daysLeft: number;
  readonly threshold: number;
  readonly keys: readonly string[];
  readonly groups: readonly string[];
  readonly standing: Standing;
  /** Of approvers: keys that are bound to no person. */
  readonly keysOfNobody?: readonly string[];
}

/** Every document of both repositories; empty where there are none. */
export async function trustRows(files: MetadataStore, now: FleetInstant): Promise<readonly TrustRow[]> {
  const [image, director] = [await loadPublished(files, 'image'), await newestRoot(files, 'director')];
  if (image === undefined || director === undefined) return [];
  const row = (
    at: Pick<TrustRow, 'repository' | 'role'>,
    head: MetadataHead,
    { by, lifeMs }: { readonly by: RoleKeys | undefined; readonly lifeMs: number },
  ): TrustRow => ({
    ...at,
    version: head.version,
    expires: instantText(head.expiresAt),
    daysLeft: Math.floor((head.expiresAt - now) / DAY_MS),
    threshold: by?.threshold ?? 0,
    keys: by?.keyIds ?? [],
    groups: [...(by?.groups?.keys() ?? [])],
    standing: standingOf(head.expiresAt, lifeMs, now),
  });
  const { roles } = image.root.signed;
  const delegations = image.targets.get('targets')?.document.signed.delegations;
  const signersOf = (role: string) =>
    role === 'targets' ? roles.targets : delegations?.roles.find(({ name }) => name === role);
  const rows: TrustRow[] = [
    row({ repository: 'image', role: 'root' }, image.root.signed, { by: roles.root, lifeMs: LIFETIMES.root }),
    ...[...image.targets].map(([role, { document }]) =>
      row({ repository: 'image', role }, document.signed, { by: signersOf(role), lifeMs: LIFETIMES.targets }),
    ),
  ];
  if (image.snapshot !== undefined) {
    const about = { by: roles.snapshot, lifeMs: LIFETIMES.snapshot };
    rows.push(row({ repository: 'image', role: 'snapshot' }, image.snapshot.signed, about));
  }
  if (image.timestamp !== undefined) {
    const about = { by: roles.timestamp, lifeMs: LIFETIMES.timestamp };
    rows.push(row({ repository: 'image', role: 'timestamp' }, image.timestamp.signed, about));
  }
  const directed = director.document.signed;
  const ofDirector = { by: directed.roles.root, lifeMs: LIFETIMES.root };
  rows.push(row({ repository: 'director', role: 'root' }, directed, ofDirector));
  const { approvers } = directed;
  if (approvers !== undefined) {
    const keysOfNobody = approvers.keyIds.filter((keyId) => approvers.people?.has(keyId) !== true);
    const shown = row({ repository: 'director', role: 'approvers' }, directed, {
      by: approvers,
      lifeMs: LIFETIMES.root,
    });
    rows.push({ ...shown, keysOfNobody });
  }
  const text = await files.loadMetadata('director/timestamp.json');
  const fleet = text === undefined ? undefined : metadataReader.timestamp(text);
  if (fleet?.ok) {
    const about = { by: directed.roles.timestamp, lifeMs: LIFETIMES['fleet-timestamp'] };
    rows.push(row({ repository: 'director', role: 'timestamp' }, fleet.value.signed, about));
  }
  return rows;
}

/** Rows that people must act upon: the server signs its own documents anew, people sign the rest. */
export function trustWarnings(rows: readonly TrustRow[]): readonly string[] {
  const unbound = rows.flatMap(({ keysOfNobody = [] }) =>
    keysOfNobody.map(
      (keyId) =>
        `The approver key ${keyId} is bound to nobody, so the audit log names its group alone: \`outrider trust rotate --role approvers --person ${keyId}=<person>\``,
    ),
  );
  const lapsing = rows
    .filter(({ standing, role }) => standing !== 'good' && !SIGNED_WITH_OTHERS.has(role))
    .map(({ repository, role, expires, standing }) => {
      const what = standing === 'expired' ? 'has expired' : 'expires soon';
      return `${role} of the ${repository} repository ${what}, at ${expires}: sign it anew with \`outrider trust renew --role ${role}\``;
    });
  return [...lapsing, ...unbound];
}

/** The server signs the first two anew by itself, and the last is part of a root. */
const SIGNED_WITH_OTHERS: ReadonlySet<string> = new Set(['snapshot', 'timestamp', 'approvers']);

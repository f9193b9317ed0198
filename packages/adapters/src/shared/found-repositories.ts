// SPDX-License-Identifier: Apache-2.0
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import type { FleetInstant } from '@outrider/domain/kernel/time';
import { after } from '@outrider/domain/kernel/time';
import { type ApproverChange, nextApprovers } from '@outrider/domain/trust/tuf/approvers';
import {
  type CeremonyError,
  delegatedRole,
  firstRoot,
  LIFETIMES,
  type NamedKey,
  nextDelegations,
} from '@outrider/domain/trust/tuf/ceremony';
import type { MetadataError } from '@outrider/domain/trust/tuf/errors';
import type { TargetsMetadata } from '@outrider/domain/trust/tuf/metadata';
import type { MetadataSigner, MetadataStore, TrustTools } from '@outrider/domain/trust/tuf/ports';
import { trustRoot } from '@outrider/domain/trust/tuf/trusted-set';
import { newestRoot, type PublicationSigners, publish, signMetadata, trustContext } from './metadata-repository.ts';

/** Who holds what in a new installation. */
export interface FoundingPlan {
  /** Offline, of people: they sign roots and say who may sign for a model. */
  readonly rootKeys: readonly NamedKey[];
  readonly rootThreshold: number;
  /** Those of them who are here. */
  readonly rootSigners: readonly MetadataSigner[];
  readonly online: PublicationSigners & { readonly director: MetadataSigner };
  /** Models or suppliers, and whose groups sign what lies below their names. */
  readonly models: readonly { readonly name: string; readonly keys: readonly NamedKey[]; readonly threshold: number }[];
  /** Who signs charters; absent: whom `approver-role.json` names, or nobody. */
  readonly approvers?: Omit<ApproverChange, 'remove'>;
  readonly now: FleetInstant;
  /** Absent: those of production. */
  readonly tools?: TrustTools;
}

/**
 * Makes both repositories: their roots, the delegations, the first snapshot and timestamps. What there is already stays as it
 * is, so that a run that broke off may be repeated. Codes: those of CeremonyError and MetadataError.
 */
export async function foundRepositories(
  files: MetadataStore,
  plan: FoundingPlan,
): Promise<Result<'founded', CeremonyError | MetadataError>> {
  const { rootKeys: keys, rootThreshold: threshold, rootSigners, online, now } = plan;
  const people = { keys, threshold };
  const by = (signer: MetadataSigner) => ({ keys: [{ keyId: signer.keyId, key: signer.key }], threshold: 1 });
  const image = firstRoot({
    roles: { root: people, targets: people, snapshot: by(online.snapshot), timestamp: by(online.timestamp) },
    now,
  });
  if (!image.ok) return image;
  const directed = by(online.director);
  const first = firstRoot({
    roles: { root: people, targets: directed, snapshot: directed, timestamp: directed },
    now,
  });
  if (!first.ok) return first;
  const director =
    plan.approvers === undefined
      ? first
      : nextApprovers({ ...first.value, version: 0 }, { change: { ...plan.approvers, remove: [] }, now });
  if (!director.ok) return director;
  let targets: TargetsMetadata = {
    type: 'targets',
    version: 0,
    expiresAt: after(now, LIFETIMES.targets),
    targets: new Map(),
  };
  for (const { name, ...signers } of plan.models) {
    const next = nextDelegations({ ...targets, version: 0 }, { role: delegatedRole(name, signers), now });
    if (!next.ok) return next;
    targets = next.value;
  }
  const directorText = await signMetadata(director.value, rootSigners);
  const trusted = trustRoot(directorText, trustContext(now, plan.tools));
  if (!trusted.ok) return trusted;
  if ((await newestRoot(files, 'image', plan.tools)) === undefined) {
    const published = await publish(files, {
      folder: 'image',
      root: await signMetadata(image.value, rootSigners),
      targets: new Map([['targets', await signMetadata({ ...targets, version: 1 }, rootSigners)]]),
      signers: online,
      now,
      ...(plan.tools && { tools: plan.tools }),
    });
    if (!published.ok) return published;
  }
  if ((await newestRoot(files, 'director', plan.tools)) !== undefined) {
    return err({
      code: 'role-not-there',
      detail: 'There are repositories already; change them with `outrider trust rotate`',
    });
  }
  // Last: without it the server does not take the repositories for founded.
  await files.storeMetadata('director/1.root.json', directorText);
  return ok('founded');
}

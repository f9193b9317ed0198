// SPDX-License-Identifier: Apache-2.0
import { foundRepositories } from '@outrider/adapters/shared/found-repositories';
import { metadataKey, metadataSigner } from '@outrider/adapters/shared/metadata-keys';
import {
  loadPublished,
  newestRoot,
  publish,
  signMetadata,
  TRUST_TOOLS,
} from '@outrider/adapters/shared/metadata-repository';
import { present } from '@outrider/domain/kernel/assert';
import type { ReleaseCounter } from '@outrider/domain/kernel/ids';
import type { Result } from '@outrider/domain/kernel/result';
import type { FleetInstant } from '@outrider/domain/kernel/time';
import type { Floors } from '@outrider/domain/release/floors';
import type { ReleaseManifest } from '@outrider/domain/release/release';
import { nextReleaseTargets } from '@outrider/domain/release/release-targets';
import type { Envelope } from '@outrider/domain/trust/envelope';
import type { Signer } from '@outrider/domain/trust/ports';
import { nextApprovers } from '@outrider/domain/trust/tuf/approvers';
import { delegatedRole, LIFETIMES, nextDelegations, nextRoot } from '@outrider/domain/trust/tuf/ceremony';
import type { RootMetadata } from '@outrider/domain/trust/tuf/metadata';
import type { MetadataSigner, MetadataStore, TrustTools } from '@outrider/domain/trust/tuf/ports';
import { isDue } from '@outrider/domain/trust/tuf/publication';
import { type ProductVersion, type ReleaseSigners, signedManifest } from './signed-release.ts';

/** A release as its people hand it to the server: the envelope, and what the model's role says from then on. */
export interface SignedRelease {
  readonly manifest: ReleaseManifest;
  readonly envelope: Envelope;
  readonly targets: string;
}

/** The people of a played installation at work: what `outrider trust` and `outrider release sign` are to those of a real one. */
export interface ReleaseHouse {
  /** Founds both repositories where there are none, with these approvers, each a group of their own, and signs again what has less than half its life left. */
  settle(now: FleetInstant, approvers?: readonly Signer[]): Promise<void>;
  /** The keys that the server signs the image repository with were stolen: a root that names others, and all signed anew by them. */
  replaceServerKeys(keys: Pick<HouseOptions['online'], 'snapshot' | 'timestamp'>, now: FleetInstant): Promise<void>;
  /** The people of the root name other approvers, each a group of their own: whoever was named before is none any more. */
  nameApprovers(approvers: readonly Signer[], now: FleetInstant): Promise<void>;
  /** Signs a release with its way back; a model that is new is delegated to its two groups first. */
  sign(
    product: ProductVersion,
    former: ProductVersion | undefined,
    now: FleetInstant,
    /** What devices take nothing below, once they have confirmed it. */
    floors?: Floors,
  ): Promise<SignedRelease>;
}

/** Where the repositories lie, and every key, those of the server included. */
export interface HouseOptions {
  readonly signers: ReleaseSigners;
  readonly files: MetadataStore;
  readonly online: Readonly<Record<'snapshot' | 'timestamp' | 'director', MetadataSigner>>;
  /** Absent: those of production. */
  readonly tools?: TrustTools;
}

export function releaseHouse({ signers, files, tools = TRUST_TOOLS, ...options }: HouseOptions): ReleaseHouse {
  let { online } = options;
  const root = metadataSigner(signers.root);
  const groups = [metadataSigner(signers.build), metadataSigner(signers.releaseEngineering)];
  const groupKeys = [
    { ...named(signers.build), group: 'build' },
    { ...named(signers.releaseEngineering), group: 'release-engineering' },
  ];

  async function published() {
    return present(await loadPublished(files, 'image', tools), 'repositories that were founded');
  }

  async function putIntoForce(change: Pick<Parameters<typeof publish>[1], 'targets' | 'root' | 'now'>): Promise<void> {
    done(await publish(files, { folder: 'image', signers: online, tools, ...change }));
  }

  /** The same root again, with a new end. */
  async function again(former: RootMetadata, now: FleetInstant): Promise<string> {
    return signMetadata(done(nextRoot(former, { role: 'root', change: { remove: [], add: [] }, now })), [root]);
  }

  async function renewRoots(now: FleetInstant): Promise<void> {
    const [image, director] = [await newestRoot(files, 'image', tools), await newestRoot(files, 'director', tools)];
    for (const [folder, newest] of Object.entries({ image, director })) {
      const former = present(newest, `a root of the ${folder} repository`).document.signed;
      if (!isDue(former.expiresAt, LIFETIMES.root, now)) continue;
      await files.storeMetadata(`${folder}/${former.version + 1}.root.json`, await again(former, now));
    }
  }

  /** What the people of the root say of the models, with one more of them, or only with a new end. */
  async function sayWhoSigns(deviceType: string, now: FleetInstant): Promise<void> {
    const targets = present((await published()).targets.get('targets'), 'the top-level targets').document.signed;
    const isKnown = targets.delegations?.roles.some(({ name }) => name === deviceType) === true;
    if (isKnown && !isDue(targets.expiresAt, LIFETIMES.targets, now)) return;
    const role = delegatedRole(deviceType, { keys: groupKeys, threshold: groupKeys.length });
    const next = await signMetadata(done(nextDelegations(targets, { role, now })), [root]);
    await putIntoForce({ targets: new Map([['targets', next]]), now });
  }

  return {
    async settle(now, approvers) {
      if ((await newestRoot(files, 'director', tools)) !== undefined) return renewRoots(now);
      const plan = { rootKeys: [named(signers.root)], rootThreshold: 1, rootSigners: [root], online, models: [] };
      const approving = approvers && { approvers: { add: groupsOf(approvers), people: new Map<string, string>() } };
      done(await foundRepositories(files, { ...plan, ...approving, now, tools }));
    },
    async replaceServerKeys(keys, now) {
      const former = present(await newestRoot(files, 'image', tools), 'a root of the image repository').document.signed;
      let next = former;
      for (const role of ['snapshot', 'timestamp'] as const) {
        const add = [{ keyId: keys[role].keyId, key: keys[role].key }];
        next = done(nextRoot(next, { role, change: { remove: next.roles[role].keyIds, add }, now }));
      }
      online = { ...online, ...keys };
      const text = await signMetadata({ ...next, version: former.version + 1 }, [root]);
      await putIntoForce({ root: text, targets: new Map(), now });
    },
    async nameApprovers(approvers, now) {
      const former = present(
        await newestRoot(files, 'director', { read: tools.read }),
        'a root of the director',
      ).document;
      const remove = former.signed.approvers?.keyIds ?? [];
      const stays = new Set(approvers.map(({ publicKey }) => publicKey.keyId as string));
      const change = {
        remove: remove.filter((keyId) => !stays.has(keyId)),
        add: groupsOf(approvers).filter(({ keyId }) => !remove.includes(keyId)),
        people: new Map<string, string>(),
        threshold: approvers.length,
      };
      const next = done(nextApprovers(former.signed, { change, now }));
      await files.storeMetadata(`director/${next.version}.root.json`, await signMetadata(next, [root]));
    },
    async sign(product, former, now, floors) {
      const { manifest, envelope } = signedManifest(product, former, signers);
      await sayWhoSigns(product.deviceType, now);
      const before = (await published()).targets.get(product.deviceType)?.document.signed;
      const said = {
        ...(floors && { floors }),
        // The product's own number: whoever plays made it.
        ...(former && { formerCounter: former.releaseCounter as ReleaseCounter }),
      };
      const next = nextReleaseTargets(before, { manifest, payload: envelope.payload, now, ...said }, tools.digest);
      return { manifest, envelope, targets: await signMetadata(next, groups) };
    },
  };
}

function groupsOf(approvers: readonly Signer[]) {
  return approvers.map((one) => ({ ...named(one), group: `approver-${one.publicKey.keyId.slice(0, 8)}` }));
}

function named({ publicKey }: Signer) {
  return { keyId: publicKey.keyId, key: metadataKey(publicKey) };
}

/** What a ceremony of a played installation gives; a refusal is a bug of the play. */
function done<T>(result: Result<T, { readonly code: string; readonly detail: string }>): T {
  if (!result.ok) throw new TypeError(`The ceremony was refused with ${result.error.code}: ${result.error.detail}`);
  return result.value;
}

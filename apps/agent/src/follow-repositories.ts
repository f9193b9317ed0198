// SPDX-License-Identifier: Apache-2.0
import {
  type FollowedRepository,
  type RepositoryMemory,
  refresh,
  refreshTimestamp,
  resolveTarget,
  type StoredState,
  storedRoot,
  storedState,
} from '@outrider/adapters/shared/metadata-client';
import { approverRoleOf, envelopeKey } from '@outrider/adapters/shared/metadata-keys';
import { TRUST_TOOLS, trustContext } from '@outrider/adapters/shared/metadata-repository';
import { checkVouched } from '@outrider/domain/device/check-vouched';
import type { Offer } from '@outrider/domain/gateway/check-in';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import { type FleetInstant, fleetInstant } from '@outrider/domain/kernel/time';
import { type TargetClaim, targetPath } from '@outrider/domain/release/release-targets';
import type { PublicKey } from '@outrider/domain/trust/envelope';
import type { SigningRole, TrustRoots } from '@outrider/domain/trust/role';
import type { MetadataError } from '@outrider/domain/trust/tuf/errors';
import type {
  RootMetadata,
  SignedMetadata,
  TargetsMetadata,
  TimestampMetadata,
} from '@outrider/domain/trust/tuf/metadata';
import type { MetadataSource } from '@outrider/domain/trust/tuf/ports';
import { raisedFloor, trustedNow } from '@outrider/domain/trust/tuf/time-floor';
import { type TrustedSet, verifyDetached } from '@outrider/domain/trust/tuf/trusted-set';
import type { AgentPorts } from './compose.ts';

/** What following the repositories came to, and how many requests it cost. */
export interface Followed<T> {
  readonly result: Result<T, MetadataError>;
  readonly sent: number;
}

/** What a running agent knows of both repositories: nothing of it is read or verified twice. A new agent begins with an empty one. */
export interface FollowMemory {
  readonly image: RepositoryMemory;
  readonly director: RepositoryMemory;
  /** The director's word for this device, as it is stored. */
  directed?: { readonly text: string; readonly document: SignedMetadata<TargetsMetadata> };
}

/** Nothing is known yet but what is stored. */
export function emptyMemory(): FollowMemory {
  return { image: {}, director: {} };
}

/** The ports of an agent that follows. */
export interface FollowPorts extends AgentPorts {
  readonly memory: FollowMemory;
}

/** The director's word for this device that was followed last: an older one is a replay. */
const DEVICE_TARGETS = 'director/device.json';

/**
 * Nothing was offered: whether that is fresh. A director that is held back, or an old answer played again, is noticed by the age
 * of its word to the whole fleet. Codes: those of MetadataError.
 */
export async function checkNothingOffered(
  ports: FollowPorts,
  roots: TrustRoots,
  now: FleetInstant,
): Promise<Followed<TrustedSet>> {
  const world = followed(ports, roots);
  return { result: await refreshDirector(world, now), sent: world.sentCount() };
}

/** What the repositories say of an offer. */
export interface Vouched {
  readonly claim: TargetClaim;
  /** Who approves rollouts by the director's root; absent: it does not say, and whom the device pinned approves. */
  readonly approverRole?: SigningRole;
}

/** Whether both repositories vouch for an offer, by documents that are fresh, newer than all before, and signed by whom the roots name. */
export async function checkOfferVouched(
  ports: FollowPorts,
  offer: Offer,
  { roots, now }: { readonly roots: TrustRoots; readonly now: FleetInstant },
): Promise<Followed<Vouched>> {
  const world = followed(ports, roots);
  return { result: await vouched(world, offer, now), sent: world.sentCount() };
}

/** Who may sign permits by the newest director's root that this device trusts. */
export async function permitKeysOf(
  ports: FollowPorts,
  roots: TrustRoots,
  now: FleetInstant,
): Promise<readonly PublicKey[]> {
  const root = await storedRoot(followed(ports, roots).director(now));
  if (!root.ok) return [];
  const { keys, roles } = root.value.root.signed;
  return roles.targets.keyIds.flatMap((keyId) => envelopeKey(keyId, keys.get(keyId)) ?? []);
}

const NO_DOCUMENTS = err({ code: 'unreachable', detail: 'This network carries no documents of repositories' } as const);

type World = ReturnType<typeof followed>;

function followed({ identity, storage, network, memory, trustTools: tools }: FollowPorts, roots: TrustRoots) {
  let sent = 0;
  const source: MetadataSource = {
    fetchMetadata(name, bytesMax) {
      if (network.fetchMetadata === undefined) return Promise.resolve(NO_DOCUMENTS);
      sent += 1;
      return network.fetchMetadata(name, bytesMax);
    },
  };
  const repository = (folder: 'image' | 'director', now: FleetInstant): FollowedRepository => ({
    folder,
    pinnedRoot: roots[folder],
    store: storage,
    source,
    context: trustContext(now, tools),
    memory: memory[folder],
  });
  return {
    identity,
    storage,
    memory,
    tools: tools ?? TRUST_TOOLS,
    director: (now: FleetInstant) => repository('director', now),
    image: (now: FleetInstant) => repository('image', now),
    sentCount: () => sent,
  };
}

/** The director's root and its word to the fleet, judged by the later of the clock and the time that its last word proved. */
async function refreshDirector(world: World, clock: FleetInstant): Promise<Result<TrustedSet, MetadataError>> {
  const asKnown = world.director(clock);
  const stored = await storedState(asKnown);
  const now = nowOf(world, stored, clock);
  return refreshTimestamp(now === clock ? asKnown : world.director(now), stored);
}

/** A clock at 1970 is moved up to what the director said last, if that still counts. */
function nowOf(world: World, { root, timestamp: text }: StoredState, clock: FleetInstant): FleetInstant {
  // What is remembered was verified.
  if (root.ok && root.value.timestamp !== undefined) return provenNow(clock, root.value.timestamp);
  const timestamp = text === undefined ? undefined : world.tools.read.timestamp(text);
  if (!timestamp?.ok || !root.ok) return clock;
  // Its age does not matter here: that it was signed proves that it is at least so late.
  const context = trustContext(fleetInstant(0), world.tools);
  const verified = verifyDetached(timestamp.value, { role: 'timestamp', root: root.value.root.signed, context });
  return verified.ok ? provenNow(clock, timestamp.value) : clock;
}

/** The later of the clock and what a verified word to the fleet proves. */
function provenNow(clock: FleetInstant, timestamp: SignedMetadata<TimestampMetadata> | undefined): FleetInstant {
  return trustedNow(clock, raisedFloor(fleetInstant(0), timestamp?.signed.fleet?.signedAt));
}

async function vouched(world: World, offer: Offer, clock: FleetInstant): Promise<Result<Vouched, MetadataError>> {
  const director = await refreshDirector(world, clock);
  if (!director.ok) return director;
  // What the director said just now was verified a line above.
  const now = provenNow(clock, director.value.timestamp);
  const directed = await takeDirected(world, offer, { root: director.value.root.signed, now });
  if (!directed.ok) return directed;
  const repository = world.image(now);
  const image = await refresh(repository);
  if (!image.ok) return image;
  const [held, named] = [image.value.timestamp?.signed.snapshot, director.value.timestamp?.signed.snapshot];
  if ((held?.version ?? 0) < (named?.version ?? 0)) {
    const detail = `The image repository shows snapshot ${held?.version}, the director has seen ${named?.version}`;
    return err({ code: 'metadata-rolled-back', detail });
  }
  const { deviceType, deviceId, hardwareId } = world.identity;
  const path = targetPath(deviceType, offer.releaseId);
  const found = await resolveTarget(image.value, path, repository);
  if (!found.ok) return found;
  const { digest } = world.tools;
  const claim = checkVouched(offer, {
    path,
    image: found.value.target,
    director: directed.value,
    deviceId,
    hardwareId,
    digest,
  });
  if (!claim.ok) return claim;
  const approverRole = approverRoleOf(director.value.root.signed);
  return ok({ claim: claim.value, ...(approverRole && { approverRole }) });
}

/** The director's word for this device: signed, not expired, and no older than the one followed last. */
async function takeDirected(
  { storage, tools, memory }: World,
  { director }: Offer,
  { root, now }: { readonly root: RootMetadata; readonly now: FleetInstant },
): Promise<Result<SignedMetadata<TargetsMetadata>, MetadataError>> {
  if (director === undefined) return err({ code: 'metadata-missing', detail: 'The offer has no word of the director' });
  const { directed } = memory;
  const read = directed?.text === director ? ok(directed.document) : tools.read.targets(director);
  if (!read.ok) return err({ code: 'metadata-malformed', detail: `The director's targets: ${read.error}` });
  const verified = verifyDetached(read.value, { role: 'targets', root, context: trustContext(now, tools) });
  if (!verified.ok) return verified;
  // The very word that was followed last, and is stored.
  if (read.value === directed?.document) return ok(read.value);
  const stored = directed?.text ?? (await storage.loadMetadata(DEVICE_TARGETS));
  const former = directed?.document ?? formerWord(stored, tools);
  const context = trustContext(fleetInstant(0), tools);
  if (former !== undefined && verifyDetached(former, { role: 'targets', root, context }).ok) {
    const [seen, before] = [read.value.signed.version, former.signed.version];
    if (seen < before) {
      return err({
        code: 'metadata-rolled-back',
        detail: `The director's word has version ${seen}, followed was ${before}`,
      });
    }
  }
  if (stored !== director) await storage.storeMetadata(DEVICE_TARGETS, director);
  memory.directed = { text: director, document: read.value };
  return ok(read.value);
}

/** One that cannot be read, or whose key was replaced, is none. */
function formerWord(stored: string | undefined, tools: World['tools']): SignedMetadata<TargetsMetadata> | undefined {
  const read = stored === undefined ? undefined : tools.read.targets(stored);
  return read?.ok ? read.value : undefined;
}

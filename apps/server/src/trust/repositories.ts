// SPDX-License-Identifier: Apache-2.0
import { isDiskFull } from '@outrider/adapters/shared/files';
import {
  loadPublished,
  newestRoot,
  type PublishedState,
  publish,
  signMetadata,
  TRUST_TOOLS,
} from '@outrider/adapters/shared/metadata-repository';
import type { ForecastFloors } from '@outrider/domain/decision/forecast/floor-limits';
import type { Offer } from '@outrider/domain/gateway/check-in';
import type { FleetClock } from '@outrider/domain/kernel/clock';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { ok, type Result } from '@outrider/domain/kernel/result';
import { after } from '@outrider/domain/kernel/time';
import { floorAbove, type WayBack } from '@outrider/domain/release/floors';
import type { ReleaseManifest } from '@outrider/domain/release/release';
import {
  claimOf,
  entriesAsSaid,
  floorsOf,
  releaseTarget,
  targetPath,
  wayBackOf,
} from '@outrider/domain/release/release-targets';
import type { TrustRoots } from '@outrider/domain/trust/role';
import { LIFETIMES } from '@outrider/domain/trust/tuf/ceremony';
import type { MetadataHead, TargetFile, TargetsMetadata } from '@outrider/domain/trust/tuf/metadata';
import type { MetadataStore, TrustTools } from '@outrider/domain/trust/tuf/ports';
import { isDue, nextFleetTimestamp } from '@outrider/domain/trust/tuf/publication';
import { parseManifest } from '@outrider/protocol/release/manifest';
import { type CommandError, refuse } from '../errors.ts';
import type { Log, OnlineKeys, RepositoryPorts } from '../ports.ts';
import type { DirectorWords, WordAbout } from './director-words.ts';

/** The two repositories of an installation: files that people signed, and what the server signs by itself. */
export interface Repositories {
  /** What a device pins when it registers; undefined before `outrider trust init`. */
  roots(): Promise<TrustRoots | undefined>;
  /** A document by its path below `/repo/`, fresh; undefined where there is none. */
  read(path: string): Promise<string | undefined>;
  /** Adds a signed release to the image repository. Codes: release-unvouched, threshold-not-met, release-exists, storage-full. */
  vouchFor(
    manifest: ReleaseManifest,
    signed: { readonly payload: string; readonly targets: string | undefined },
  ): Promise<Result<'vouched' | 'no-repository', CommandError>>;
  /** What was signed of the way back of a release; undefined where it has none, or no floor was ever signed for its model. */
  wayBackOf(manifest: ReleaseManifest): Promise<WayBack | undefined>;
  /** What was signed of floors that a plan for this release meets. */
  floorsFor(manifest: ReleaseManifest): Promise<ForecastFloors>;
  /** The director's word that this device shall have this: signed on demand, only where there is an offer, and said again while it holds. */
  direct(offer: Offer, device: { readonly deviceId: DeviceId; readonly hardwareId: string }): Offer | Promise<Offer>;
  /** Signs anew what is due, long before it lapses. */
  renew(): Promise<void>;
  /** Every document in force with its end, for metrics. */
  standings(): Promise<readonly RoleStanding[]>;
}

/** One document in force. */
export interface RoleStanding extends Pick<MetadataHead, 'version' | 'expiresAt'> {
  readonly repository: 'image' | 'director';
  readonly role: string;
}

export function repositories(options: {
  readonly ports: RepositoryPorts;
  readonly fleetClock: FleetClock;
  readonly policyEpoch: () => number;
  /** Absent: each word is signed anew. */
  readonly words?: DirectorWords;
  readonly log: Log;
}): Repositories {
  const { fleetClock, policyEpoch, words, log } = options;
  const { files, tools = TRUST_TOOLS } = options.ports;
  let last: Promise<unknown> = Promise.resolve();
  let known: Promise<Known> | undefined;
  /** The same, once it is there. */
  let here: Known | undefined;
  const claims = manifestClaims(tools.digest);

  /** Read once until something was published, or the next round looks for what a ceremony has changed. */
  function lookUp(): Promise<Known> {
    if (known !== undefined) return known;
    const reading = readKnown(options.ports).then(
      (read) => {
        if (known === reading) here = read;
        return read;
      },
      (cause: unknown) => {
        known = undefined;
        throw cause;
      },
    );
    known = reading;
    return reading;
  }

  function forget(): void {
    known = undefined;
    here = undefined;
  }

  /** One publication at a time. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = last.then(work);
    last = done.catch(() => undefined);
    return done;
  }

  async function renewImage(): Promise<void> {
    const { keys, image: state } = await lookUp();
    if (keys === undefined || state?.timestamp === undefined || state.snapshot === undefined) return;
    const now = fleetClock.now();
    const isTimestampDue = isDue(state.timestamp.signed.expiresAt, LIFETIMES.timestamp, now);
    const isSnapshotDue = isDue(state.snapshot.signed.expiresAt, LIFETIMES.snapshot, now);
    if (!isTimestampDue && !isSnapshotDue) return;
    const published = await publish(files, { folder: 'image', targets: new Map(), signers: keys, now, tools });
    forget();
    if (!published.ok) {
      log.error({ stage: 'release', code: 'repository-stale', err: published.error }, published.error.detail);
    }
  }

  async function fleetTimestamp(): Promise<string | undefined> {
    const { keys, image, director } = await lookUp();
    if (keys === undefined || image?.timestamp === undefined || director === undefined) return undefined;
    const text = await files.loadMetadata('director/timestamp.json');
    const former = text === undefined ? undefined : tools.read.timestamp(text);
    const { snapshot } = image.timestamp.signed;
    const signed = former?.ok ? former.value.signed : undefined;
    // Another server may have read a newer policy already, and devices take no word back.
    const [now, epoch] = [fleetClock.now(), Math.max(policyEpoch(), signed?.fleet?.policyEpoch ?? 0)];
    const isCurrent =
      signed !== undefined &&
      signed.fleet?.policyEpoch === epoch &&
      signed.snapshot.version === snapshot.version &&
      !isDue(signed.expiresAt, LIFETIMES['fleet-timestamp'], now);
    if (isCurrent) return text;
    const next = nextFleetTimestamp(signed, { snapshot, policyEpoch: epoch, now });
    const made = await signMetadata(next, [keys.director]);
    const isStored = await unlessFull(() => files.storeMetadata('director/timestamp.json', made));
    return isStored ? made : text;
  }

  /** False on a full disk: what is published stays served, and holds for half its life at least. */
  async function unlessFull(work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (cause) {
      if (!isDiskFull(cause)) throw cause;
      const message = 'The disk is full, so metadata was not signed anew; what is published holds until it expires';
      log.error({ stage: 'release', code: 'repository-stale', err: cause }, message);
      return false;
    }
  }

  async function vouch(
    manifest: ReleaseManifest,
    { payload, targets }: { readonly payload: string; readonly targets: string | undefined },
  ): Promise<Result<'vouched' | 'no-repository', CommandError>> {
    forget();
    const { keys, image: state } = await lookUp();
    if (keys === undefined || state === undefined) return ok('no-repository');
    const role = manifest.deviceType;
    if (targets === undefined) {
      const detail = `The file holds no signed targets of the role ${role}, which devices ask for; sign it again with \`outrider release sign\``;
      return refuse('release-unvouched', detail);
    }
    const former = state.targets.get(role);
    // Published before, and then the server stopped: the same again changes nothing.
    if (former?.text === targets) return ok('vouched');
    const read = tools.read.targets(targets);
    if (!read.ok) return refuse('release-unvouched', `The targets of the role ${role} are malformed: ${read.error}`);
    const fault = faultOf(
      read.value.signed,
      former?.document.signed,
      entriesAsSaid(read.value.signed, { manifest, payload }, tools.digest),
    );
    if (fault !== undefined) return refuse('release-unvouched', fault);
    const now = fleetClock.now();
    const changed = new Map([[role, targets]]);
    const published = await publish(files, { folder: 'image', targets: changed, signers: keys, now, tools });
    forget();
    if (published.ok) return ok('vouched');
    const code = published.error.code === 'metadata-unsigned' ? 'threshold-not-met' : 'release-unvouched';
    return refuse(code, published.error.detail, { rule: published.error.code });
  }

  /** What the people of a model have signed. */
  async function signedTargets(deviceType: string): Promise<TargetsMetadata | undefined> {
    return (await lookUp()).image?.targets.get(deviceType)?.document.signed;
  }

  async function sign(
    offer: Offer,
    { deviceId, hardwareId }: { readonly deviceId: DeviceId; readonly hardwareId: string },
  ): Promise<Offer> {
    const keep = words?.begin(deviceId);
    const { keys } = await lookUp();
    const entry = keys && claims.entryOf(offer, hardwareId);
    if (keys === undefined || entry === undefined) return offer;
    const now = fleetClock.now();
    const expiresAt = after(now, LIFETIMES['device-targets']);
    const metadata: TargetsMetadata = {
      type: 'targets',
      // Grows with time, so that an older word for the same device is known as older.
      version: Math.max(1, now),
      expiresAt,
      targets: new Map([entry]),
      deviceId,
    };
    const director = await signMetadata(metadata, [keys.director]);
    keep?.({ ...aboutOf(offer, hardwareId, keys.director.keyId), text: director, expiresAt });
    return { ...offer, director };
  }

  return {
    async roots() {
      const { image, director } = await lookUp();
      return image && director && { image: image.rootText, director: director.text };
    },
    async read(path) {
      if (path === 'director/timestamp.json') return inTurn(fleetTimestamp);
      if (path === 'image/timestamp.json') await inTurn(() => unlessFull(renewImage));
      return isServed(path) ? servedFile(files, path, await lookUp()) : undefined;
    },
    vouchFor: (manifest, signed) =>
      inTurn(async () => {
        try {
          return await vouch(manifest, signed);
        } catch (cause) {
          if (!isDiskFull(cause)) throw cause;
          const detail =
            'The disk is full, so nothing was published and the former metadata stays served; make room and publish again';
          return refuse('storage-full', detail);
        }
      }),
    async wayBackOf({ deviceType, rollbackTwin }) {
      if (rollbackTwin === undefined) return undefined;
      return wayBackOf(await signedTargets(deviceType), targetPath(deviceType, rollbackTwin.releaseId));
    },
    async floorsFor({ deviceType, rollbackTwin }) {
      const targets = await signedTargets(deviceType);
      const raised = floorsOf(targets);
      const wayBack = rollbackTwin && wayBackOf(targets, targetPath(deviceType, rollbackTwin.releaseId));
      return { ...(raised && { raised }), ...(wayBack && { wayBack }) };
    },
    direct(offer, device) {
      const keyId = here?.keys?.director.keyId;
      if (keyId === undefined) return sign(offer, device);
      const about = aboutOf(offer, device.hardwareId, keyId);
      const director = words?.recall(device.deviceId, about, fleetClock.now());
      return director === undefined ? sign(offer, device) : { ...offer, director };
    },
    renew: () =>
      inTurn(async () => {
        forget();
        await renewImage();
        await fleetTimestamp();
      }),
    async standings() {
      const found: RoleStanding[] = [];
      const { image, director } = await lookUp();
      if (image !== undefined) found.push(standing('image', 'root', image.root.signed));
      if (image?.timestamp) found.push(standing('image', 'timestamp', image.timestamp.signed));
      if (image?.snapshot) found.push(standing('image', 'snapshot', image.snapshot.signed));
      for (const [role, { document }] of image?.targets ?? []) found.push(standing('image', role, document.signed));
      if (director !== undefined) found.push(standing('director', 'root', director.document.signed));
      const text = await files.loadMetadata('director/timestamp.json');
      const fleet = text === undefined ? undefined : tools.read.timestamp(text);
      if (fleet?.ok) found.push(standing('director', 'timestamp', fleet.value.signed));
      return found;
    },
  };
}

function aboutOf({ release, isRollback }: Offer, hardwareId: string, keyId: string): WordAbout {
  return { payload: release.payload, isRollback, hardwareId, keyId };
}

function standing(repository: RoleStanding['repository'], role: string, head: MetadataHead): RoleStanding {
  return { repository, role, version: head.version, expiresAt: head.expiresAt };
}

/** Only documents, never what else lies in the folder. */
function isServed(path: string): boolean {
  return /^hand-over\.json$|^(image|director)\/(timestamp|[1-9]\d{0,15}\.[A-Za-z0-9][A-Za-z0-9._:@+-]{0,127})\.json$/.test(
    path,
  );
}

/** A versioned file is served once the timestamp leads to it: what a publication left that did not end is not. */
async function servedFile(files: MetadataStore, path: string, { image }: Known): Promise<string | undefined> {
  const [, folder = '', version = '0', role = ''] = /^(\w+)\/(\d+)\.(.+)\.json$/.exec(path) ?? [];
  if (role === '' || role === 'root') return files.loadMetadata(path);
  const state = folder === 'image' ? image : undefined;
  const newest =
    role === 'snapshot' ? state?.snapshot?.signed.version : state?.snapshot?.signed.meta.get(`${role}.json`)?.version;
  return newest !== undefined && Number(version) <= newest ? files.loadMetadata(path) : undefined;
}

/** What is wrong with the next targets of a model: what was vouched for stays, and the release is named as it is. */
function faultOf(
  next: TargetsMetadata,
  former: TargetsMetadata | undefined,
  entries: ReadonlyMap<string, TargetFile>,
): string | undefined {
  const wanted = (former?.version ?? 0) + 1;
  if (next.version !== wanted) {
    return `The targets have version ${next.version}, published next is ${wanted}; create the release again with --former naming the newest one`;
  }
  for (const [path, file] of [...(former?.targets ?? []), ...entries]) {
    const seen = next.targets.get(path);
    if (seen === undefined) return `The targets do not name ${path}; published releases stay named for good`;
    if (!isSameFile(seen, file)) return `The targets name another file or claim as ${path} than was signed for it`;
  }
  for (const [path, file] of entries) {
    const said = claimOf(file);
    const above = said?.floors && floorAbove(said.floors, said.releaseCounter);
    if (above) return `The ${above.kind} floor of ${path} is ${above.floor}, above its own counter`;
  }
  const extra = [...next.targets.keys()].find((path) => !entries.has(path) && !former?.targets.has(path));
  return extra && `The targets name ${extra}, which is neither published nor the release; one release at a time`;
}

function isSameFile(a: TargetFile, b: TargetFile): boolean {
  return (
    a.length === b.length &&
    a.hashes.get('sha256') === b.hashes.get('sha256') &&
    JSON.stringify(a.custom) === JSON.stringify(b.custom)
  );
}

/** What was read of files and keys, all at one time. */
interface Known {
  readonly keys: OnlineKeys | undefined;
  readonly image: PublishedState | undefined;
  readonly director: Awaited<ReturnType<typeof newestRoot>>;
}

async function readKnown({ files, loadKeys, tools }: RepositoryPorts): Promise<Known> {
  const [keys, image, director] = await Promise.all([
    loadKeys(),
    loadPublished(files, 'image', tools),
    newestRoot(files, 'director', tools),
  ]);
  return { keys, image, director };
}

/** What is offered as a file of the repository, for the one hardware of a device. Manifests are read once. */
function manifestClaims(digest: TrustTools['digest']) {
  const manifests = new Map<string, ReleaseManifest>();
  return {
    entryOf(offer: Offer, hardwareId: string): readonly [string, TargetFile] | undefined {
      const { payload } = offer.release;
      const read = manifests.get(payload);
      const parsed = read === undefined ? parseManifest(payload) : ok(read);
      if (!parsed.ok) return undefined;
      if (manifests.size >= MANIFESTS_MAX) manifests.clear();
      manifests.set(payload, parsed.value);
      const meant = offer.isRollback ? parsed.value.rollbackTwin : parsed.value;
      if (meant === undefined) return undefined;
      const claim = { releaseCounter: meant.releaseCounter, hardwareIds: [hardwareId] };
      const path = targetPath(parsed.value.deviceType, meant.releaseId);
      return [path, releaseTarget(payload, claim, digest)];
    },
  };
}

/** Releases on offer at one time: a few for each model. */
const MANIFESTS_MAX = 64;

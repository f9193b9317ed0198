// SPDX-License-Identifier: Apache-2.0
import type { ServerStore } from '@outrider/domain/decision/server-store';
import type { BlobStore } from '@outrider/domain/gateway/ports';
import type { FleetClock } from '@outrider/domain/kernel/clock';
import type { Bytes, ReleaseId, Sha256 } from '@outrider/domain/kernel/ids';
import { ok, type Result } from '@outrider/domain/kernel/result';
import { clashWith } from '@outrider/domain/release/clash';
import type { PublishedRelease, ReleaseManifest } from '@outrider/domain/release/release';
import type { Envelope } from '@outrider/domain/trust/envelope';
import type { SignatureVerifier } from '@outrider/domain/trust/ports';
import type { SigningRole } from '@outrider/domain/trust/role';
import { pairsFor } from '../delta/image-pairs.ts';
import { makeDeltas } from '../delta/make-deltas.ts';
import { type CommandError, refuse } from '../errors.ts';
import type { Recorder } from '../observability/recorder.ts';
import type { Log } from '../ports.ts';
import { changedBy } from '../trust/changed-by.ts';
import type { Repositories } from '../trust/repositories.ts';
import { blobProblem } from './blob-problem.ts';
import { readRelease } from './read-release.ts';
import { verifyFiles } from './verify-files.ts';
import { imagesOf, verifyImages } from './verify-images.ts';

/** How far the release that is being published has come. */
export interface PublishProgress {
  readonly releaseId: ReleaseId;
  readonly step: 'verifying-images' | 'making-deltas' | 'storing';
  readonly deltasDone: number;
  readonly deltasTotal: number;
}

/** A release as it was published just now. */
export interface JustPublished extends PublishedRelease {
  /** There are no repositories here: devices believe it by the keys that they pinned, and by nothing else. */
  readonly isVouched?: false;
}

export interface ReleaseCommands {
  /** Stores a blob under the digest that the caller says it has. Codes: digest-mismatch, body-too-large, storage-full. */
  putBlob(
    digest: Sha256,
    chunks: AsyncIterable<Uint8Array>,
  ): Promise<Result<{ readonly digest: Sha256; readonly bytes: Bytes }, CommandError>>;
  /** Verifies, makes the deltas, then publishes for good; one release at a time. */
  publish(envelope: Envelope, author?: string, targets?: string): Promise<Result<JustPublished, CommandError>>;
  withdraw(releaseId: ReleaseId, reason: string, author?: string): Promise<Result<PublishedRelease, CommandError>>;
  /** The release being published, if any. */
  progress(): PublishProgress | undefined;
}

/** Largest blob: an image of a large vehicle computer; a gigabyte more would not fit in the deltas' codec anyway. */
const BLOB_BYTES_MAX = 4_294_967_296;

const NO_REPOSITORIES =
  'No repository vouches for the release, so devices believe it by pinned keys alone; found the repositories with `outrider trust init`, then publish the next one';

/** Whoever has the token of the administrator and does not say who it is. */
const AUTHOR_DEFAULT = 'admin';

export function releaseCommands(options: {
  readonly store: ServerStore;
  readonly blobs: BlobStore;
  readonly fleetClock: FleetClock;
  readonly verifier: SignatureVerifier;
  readonly loadReleaseRole: () => Promise<SigningRole | undefined>;
  /** Called when what the gateway offers may have changed. */
  readonly onReleasesChanged: () => Promise<void>;
  readonly recorder: Recorder;
  /** Vouches for what is published; absent where there is none. */
  readonly repositories?: Repositories;
  readonly log: Log;
}): ReleaseCommands {
  const { store, blobs, fleetClock, verifier, loadReleaseRole, onReleasesChanged, recorder, log } = options;
  let progress: PublishProgress | undefined;
  let lastPublish: Promise<unknown> = Promise.resolve();

  async function publish(
    envelope: Envelope,
    author: string,
    targets: string | undefined,
  ): Promise<Result<JustPublished, CommandError>> {
    const role = await loadReleaseRole();
    if (role === undefined) {
      const detail =
        'The server has no release role, so it cannot tell who may sign; put release-role.json in its data folder';
      return refuse('release-role-missing', detail);
    }
    const read = readRelease(envelope, role, verifier);
    if (!read.ok) return read;
    const manifest = read.value;
    const clash = clashWith(await store.catalogue.listReleases(), manifest);
    if (clash !== undefined) return refuse('release-exists', clash, { releaseId: manifest.releaseId });

    const { releaseId } = manifest;
    progress = { releaseId, step: 'verifying-images', deltasDone: 0, deltasTotal: 0 };
    const verified = await verifyImages(imagesOf(manifest), blobs);
    if (!verified.ok) return verified;
    const named = await verifyFiles(manifest, blobs);
    if (!named.ok) return named;
    const made = await makeItsDeltas(manifest);
    if (!made.ok) return made;

    progress = { ...progress, step: 'storing' };
    // Before the catalogue: what is offered, devices must find vouched for.
    const vouched = await options.repositories?.vouchFor(manifest, { payload: envelope.payload, targets });
    if (vouched?.ok === false) return vouched;
    const release = { manifest, envelope, publishedAt: fleetClock.now() };
    const published = await store.catalogue.publish(release, changedBy(author));
    if (!published.ok) return refuse('release-exists', published.error.detail, { releaseId });
    await onReleasesChanged();
    const { version, deviceType } = manifest;
    log.info(
      { stage: 'release', code: 'release-published', releaseId, version, deviceType },
      'A release was published',
    );
    if (vouched?.value !== 'no-repository') return published;
    log.warn({ stage: 'release', code: 'repositories-missing', releaseId }, NO_REPOSITORIES);
    return ok({ ...published.value, isVouched: false });
  }

  async function makeItsDeltas(manifest: ReleaseManifest): Promise<Result<unknown, CommandError>> {
    const published = await store.catalogue.listReleases(manifest.deviceType);
    const running = await store.finder.countImages(manifest.deviceType);
    const pairs = await pairsFor(manifest, { running, published, blobs });
    const { releaseId } = manifest;
    const step = { releaseId, step: 'making-deltas', deltasTotal: pairs.length } as const;
    progress = { ...step, deltasDone: 0 };
    return makeDeltas(pairs, { blobs, deltas: store.deltas, recorder, log }, (deltasDone) => {
      progress = { ...step, deltasDone };
    });
  }

  return {
    async putBlob(digest, chunks) {
      const put = await blobs.put(chunks, { bytesMax: BLOB_BYTES_MAX, expectedDigest: digest });
      return put.ok ? put : blobProblem(put.error, { stage: 'release', log });
    },
    publish(envelope, author = AUTHOR_DEFAULT, targets = undefined) {
      const done = lastPublish
        .then(() => publish(envelope, author, targets))
        .then((published) => {
          recorder.counters.add('release', published.ok ? 'published' : published.error.code);
          return published;
        })
        .finally(() => {
          progress = undefined;
        });
      lastPublish = done.catch(() => undefined);
      return done;
    },
    async withdraw(releaseId, reason, author = AUTHOR_DEFAULT) {
      const mark = { at: fleetClock.now(), reason };
      const withdrawn = await store.catalogue.withdraw(releaseId, mark, changedBy(author));
      if (!withdrawn.ok) {
        return refuse('release-unknown', `No release ${releaseId} is published, so none was withdrawn`, { releaseId });
      }
      await onReleasesChanged();
      recorder.counters.add('release', 'withdrawn');
      log.info({ stage: 'release', code: 'release-withdrawn', releaseId, reason }, 'A release was withdrawn');
      return ok(withdrawn.value);
    },
    progress: () => progress,
  };
}

// SPDX-License-Identifier: Apache-2.0
import type { ReleaseId } from '../kernel/ids.ts';
import type { Result } from '../kernel/result.ts';
import type { FleetInstant } from '../kernel/time.ts';
import type { PublishedRelease } from './release.ts';

/** The catalogue of releases: immutable once published, withdrawn but never deleted. */
export interface Catalogue {
  /** Codes: release-exists (the same id, or the same device type with this version or a counter not above the newest). */
  publish(
    release: PublishedRelease,
  ): Promise<Result<PublishedRelease, { readonly code: 'release-exists'; readonly detail: string }>>;
  withdraw(
    releaseId: ReleaseId,
    at: FleetInstant,
    reason: string,
  ): Promise<Result<PublishedRelease, { readonly code: 'release-unknown' }>>;
  loadRelease(releaseId: ReleaseId): Promise<PublishedRelease | undefined>;
  listReleases(deviceType?: string): Promise<readonly PublishedRelease[]>;
}

// SPDX-License-Identifier: Apache-2.0
import type { ReleaseId } from '../kernel/ids.ts';
import type { Result } from '../kernel/result.ts';
import type { FleetInstant } from '../kernel/time.ts';
import type { ChangedBy } from '../trust/audit.ts';
import type { PublishedRelease } from './release.ts';

/** The catalogue of releases: immutable once published, withdrawn but never deleted. Both leave an entry in the audit log. */
export interface Catalogue {
  /** Codes: release-exists (the same id, or the same device type with this version or a counter not above the newest). */
  publish(
    release: PublishedRelease,
    by: ChangedBy,
  ): Promise<Result<PublishedRelease, { readonly code: 'release-exists'; readonly detail: string }>>;
  /** Once: the first reason stays, and nothing is changed or noted by a second call. */
  withdraw(
    releaseId: ReleaseId,
    mark: { readonly at: FleetInstant; readonly reason: string },
    by: ChangedBy,
  ): Promise<Result<PublishedRelease, { readonly code: 'release-unknown' }>>;
  loadRelease(releaseId: ReleaseId): Promise<PublishedRelease | undefined>;
  listReleases(deviceType?: string): Promise<readonly PublishedRelease[]>;
}

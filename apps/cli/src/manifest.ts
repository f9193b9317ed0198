// SPDX-License-Identifier: Apache-2.0
import type { ReleaseCounter, ReleaseId } from '@outrider/domain/kernel/ids';
import type { Component, Dependency, ReleaseManifest, RollbackTwin } from '@outrider/domain/release/release';

/** What a person says about a release; the rest follows from the former one. */
export interface ReleaseDraft {
  readonly deviceType: string;
  readonly version: string;
  readonly components: readonly Component[];
  readonly floorVersion?: string;
  readonly dependencies: readonly Dependency[];
  readonly notes: string;
  readonly releaseId?: ReleaseId;
  readonly releaseCounter?: number;
  /** The release that devices go back to; absent for the first of a device type. */
  readonly former?: ReleaseManifest;
}

/**
 * Completes a manifest. The counter is the next after the former release and its twin; the rollback twin holds the former
 * components under an id ending in `-back`, with a counter above this release's own.
 */
export function manifestOf(draft: ReleaseDraft): ReleaseManifest {
  const { deviceType, version, components, floorVersion, dependencies, notes, former } = draft;
  const releaseId = draft.releaseId ?? (`${deviceType}-${version}` as ReleaseId);
  const counter = draft.releaseCounter ?? counterAfter(former);
  return {
    schema: 1,
    releaseId,
    deviceType,
    version,
    releaseCounter: counter as ReleaseCounter,
    components,
    ...(floorVersion === undefined ? {} : { floorVersion }),
    dependencies,
    notes,
    ...(former === undefined ? {} : { rollbackTwin: twinOf(former, releaseId, counter) }),
  };
}

function counterAfter(former: ReleaseManifest | undefined): number {
  if (former === undefined) return 1;
  return Math.max(former.releaseCounter, former.rollbackTwin?.releaseCounter ?? 0) + 1;
}

function twinOf(former: ReleaseManifest, releaseId: ReleaseId, counter: number): RollbackTwin {
  return {
    releaseId: `${releaseId}-back` as ReleaseId,
    version: former.version,
    releaseCounter: (counter + 1) as ReleaseCounter,
    components: former.components,
  };
}

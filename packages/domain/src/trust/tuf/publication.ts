// SPDX-License-Identifier: Apache-2.0
import { after, type FleetInstant } from '../../kernel/time.ts';
import { utf8Length } from '../envelope.ts';
import { LIFETIMES } from './ceremony.ts';
import type { MetadataReference, SnapshotMetadata, TimestampMetadata } from './metadata.ts';

/** How a document is named by another: version, length and SHA-256 of its text. */
export function referenceTo(
  text: string,
  version: number,
  digest: (algorithm: string, text: string) => string | undefined,
): MetadataReference {
  return { version, length: utf8Length(text), hashes: new Map([['sha256', digest('sha256', text) ?? '']]) };
}

/**
 * The next version of what the server signs by itself: one more than before, and never less than the seconds since 1970. So a
 * server that was restored from a backup goes on above all that devices have seen, though it has forgotten it.
 */
function versionAfter(former: { readonly version: number } | undefined, now: FleetInstant): number {
  return Math.max((former?.version ?? 0) + 1, Math.floor(now / 1_000));
}

/** The snapshot after some documents changed. */
export function nextSnapshot(
  former: SnapshotMetadata | undefined,
  { changed, now }: { readonly changed: ReadonlyMap<string, MetadataReference>; readonly now: FleetInstant },
): SnapshotMetadata {
  return {
    type: 'snapshot',
    version: versionAfter(former, now),
    expiresAt: after(now, LIFETIMES.snapshot),
    meta: new Map([...(former?.meta ?? []), ...changed]),
  };
}

/** The timestamp that names a snapshot: the moment from which clients see it. */
export function nextTimestamp(
  former: TimestampMetadata | undefined,
  { snapshot, now }: { readonly snapshot: MetadataReference; readonly now: FleetInstant },
): TimestampMetadata {
  return {
    type: 'timestamp',
    version: versionAfter(former, now),
    expiresAt: after(now, LIFETIMES.timestamp),
    snapshot,
  };
}

/** The director's word to the whole fleet: the policy that holds, the newest snapshot of the image repository, and the time. */
export function nextFleetTimestamp(
  former: TimestampMetadata | undefined,
  said: { readonly snapshot: MetadataReference; readonly policyEpoch: number; readonly now: FleetInstant },
): TimestampMetadata {
  return {
    type: 'timestamp',
    version: versionAfter(former, said.now),
    expiresAt: after(said.now, LIFETIMES['fleet-timestamp']),
    snapshot: said.snapshot,
    fleet: { policyEpoch: said.policyEpoch, signedAt: said.now },
  };
}

/** Whether a document that the server signs by itself is due: half its life is gone, so that a day of trouble lapses nothing. */
export function isDue(expiresAt: FleetInstant, lifetimeMs: number, now: FleetInstant): boolean {
  return expiresAt - now <= lifetimeMs / 2;
}

/** How near the end of a document is. */
export type Standing = 'good' | 'soon' | 'expired';

/** Documents that people sign are told of this long before they lapse: a month for a root or targets, else half their life. */
export function standingOf(expiresAt: FleetInstant, lifetimeMs: number, now: FleetInstant): Standing {
  if (now >= expiresAt) return 'expired';
  return expiresAt - now <= Math.min(lifetimeMs / 3, WARNING_MS_MAX) ? 'soon' : 'good';
}

/** A ceremony needs people, and people have holidays. */
const WARNING_MS_MAX = 30 * 86_400_000;

// SPDX-License-Identifier: Apache-2.0
import type { ServerStore } from '@outrider/domain/decision/server-store';
import type { Delta } from '@outrider/domain/delta/delta';
import { compileSnapshot, imagesOf, type SnapshotSources } from '@outrider/domain/gateway/compile-snapshot';
import type { PolicySnapshot } from '@outrider/domain/gateway/snapshot';
import type { MachineClock } from '@outrider/domain/kernel/clock';
import type { ReleaseId } from '@outrider/domain/kernel/ids';
import { durationMs, elapsedMs, type MachineInstant } from '@outrider/domain/kernel/time';
import { emptyPolicy, foldEntries, type Policy } from '@outrider/domain/policy/fold';
import type { PolicyEntry } from '@outrider/domain/policy/log';
import type { PolicyNotices } from '@outrider/domain/policy/ports';
import type { WayBack } from '@outrider/domain/release/floors';
import type { PublishedRelease, ReleaseManifest } from '@outrider/domain/release/release';
import type { SigningRole } from '@outrider/domain/trust/role';
import type { Log, Schedule } from '../ports.ts';
import type { CharterStandings } from './charter-standings.ts';

/** The policy in memory, and how fresh it is. */
export interface SnapshotHolder {
  /** For offers: the newest snapshot, or undefined when the last read began more than three seconds ago. */
  fresh(): PolicySnapshot | undefined;
  /** For permits, which the store checks anyway: the newest snapshot, however old; undefined before the first read. */
  newest(): PolicySnapshot | undefined;
  policy(): Policy;
  /** How charters stand by the approvers of the last read; undefined where none are installed. */
  charterOf(): SnapshotSources['charterOf'];
  /** Since the newest snapshot was read, by machine time; undefined before the first read. */
  ageMs(): number | undefined;
  /** Whether the last read went through. */
  isStoreReachable(): boolean;
  /** Reads what is new; the read begins after this call. Throws when the store is away. */
  refresh(): Promise<void>;
  /** Brings `policy()` up to date and nothing else: what a change is decided by. Throws when the store is away. */
  refreshPolicy(): Promise<void>;
  /** Makes the next read take the releases anew: one was published or withdrawn, or a delta was made. */
  invalidateReleases(): void;
  /** Reads again and again, at least every 500 ms; answers with the way to end it. */
  start(): () => void;
}

/** From the beginning of one read to that of the next: with what an event loop is late it stays below the promised 500 ms. */
const REFRESH_EVERY_MS = durationMs(400);

/** A database that answers slowly is not asked without a pause. */
const REFRESH_PAUSE_MS = durationMs(100);

/** How long a read lets a gateway offer, counted from before it began: pause stops all offers within this time. */
export const OFFERS_FRESH_MS = durationMs(3_000);

/** Releases and deltas are read again at least this often: another server may have withdrawn one. */
const RELEASES_FRESH_MS = durationMs(5_000);

interface ReleasesRead {
  /** Undefined for one that is not published. */
  readonly releases: ReadonlyMap<ReleaseId, PublishedRelease | undefined>;
  readonly deltas: readonly Delta[];
  /** Of those that have one on which floors were signed. */
  readonly waysBack: ReadonlyMap<ReleaseId, WayBack>;
  /** Who approves; absent: nobody is installed. */
  readonly role: SigningRole | undefined;
  readonly at: MachineInstant;
}

export function snapshotHolder(options: {
  readonly store: ServerStore;
  readonly machineClock: MachineClock;
  readonly schedule: Schedule;
  readonly log: Log;
  /** Says when to look before it is time; absent: only the time says so. */
  readonly notices?: PolicyNotices;
  /** What was signed of the way back of a release; absent: there are no repositories. */
  readonly wayBackOf?: (manifest: ReleaseManifest) => Promise<WayBack | undefined>;
  /** Absent: nobody approves, and no charter is asked for. */
  readonly charters?: CharterStandings;
  /** Told of entries that came since the read before, once they are in force here; not of those of the first read. */
  readonly onEntries?: (entries: readonly PolicyEntry[]) => void;
  /** Told of each read after the first: what held before it, and what holds now. */
  readonly onRead?: (before: PolicySnapshot, after: PolicySnapshot) => void;
}): SnapshotHolder {
  const { store, machineClock, schedule, log, charters, notices, onEntries, onRead, wayBackOf } = options;
  let policy = emptyPolicy();
  let snapshot: PolicySnapshot | undefined;
  let readAt: MachineInstant | undefined;
  let isReachable = false;
  let releasesRead: ReleasesRead | undefined;
  let underWay: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  /** Entries that came since the snapshot was compiled. */
  const untold: PolicyEntry[] = [];

  async function refreshPolicy(): Promise<void> {
    const loaded = await store.policyLog.loadEntries(policy.revision);
    // Another read may have come first: what it has taken in is not taken in twice.
    const entries = loaded.filter(({ revision }) => revision > policy.revision);
    policy = foldEntries(policy, entries);
    if (readAt !== undefined) untold.push(...entries);
  }

  async function read(): Promise<void> {
    const beganAt = machineClock.now();
    await refreshPolicy();
    const exposures = await store.exposures.loadExposures();
    const ids = releasesWanted(policy);
    const isStale = releasesRead === undefined || elapsedMs(releasesRead.at, beganAt) > RELEASES_FRESH_MS;
    const known = isStale ? undefined : releasesRead;
    const lacking = [...ids].filter((id) => known?.releases.has(id) !== true);
    const current = known === undefined || lacking.length > 0 ? await readReleases(lacking, { known, beganAt }) : known;
    releasesRead = current;
    const releases = [...ids].flatMap((id) => current.releases.get(id) ?? []);
    const before = snapshot;
    const { deltas, waysBack } = current;
    snapshot = compileSnapshot({ policy, releases, deltas, exposures, waysBack, ...withCharters() });
    const told = untold.splice(0);
    if (told.length > 0) onEntries?.(told);
    readAt = beganAt;
    if (before !== undefined) onRead?.(before, snapshot);
  }

  function withCharters(): Pick<SnapshotSources, 'charterOf'> {
    const role = releasesRead?.role;
    if (role === undefined || charters === undefined) return {};
    return { charterOf: (rollout, release) => charters.standingOf(rollout, release, role) };
  }

  /** Reads these, and takes the others as they were read; a new rollout waits for its own release, not for that of all. */
  async function readReleases(
    ids: readonly ReleaseId[],
    { known, beganAt }: { readonly known: ReleasesRead | undefined; readonly beganAt: MachineInstant },
  ): Promise<ReleasesRead> {
    const loaded = await Promise.all(ids.map(async (id) => [id, await store.catalogue.loadRelease(id)] as const));
    const releases = new Map<ReleaseId, PublishedRelease | undefined>([...(known?.releases ?? []), ...loaded]);
    const images = new Set([...releases.values()].flatMap((one) => (one === undefined ? [] : imagesOf(one.manifest))));
    const deltas = await store.deltas.loadDeltasTo([...images]);
    const waysBack = new Map<ReleaseId, WayBack>();
    for (const [id, release] of releases) {
      const wayBack = release && (await wayBackOf?.(release.manifest));
      if (wayBack !== undefined) waysBack.set(id, wayBack);
    }
    return { releases, deltas, waysBack, role: await charters?.loadRole(), at: known?.at ?? beganAt };
  }

  function ageMs(): number | undefined {
    return readAt === undefined ? undefined : elapsedMs(readAt, machineClock.now());
  }

  async function noted(reading: Promise<void>): Promise<void> {
    isReachable = await reading.then(
      () => true,
      () => false,
    );
    return reading;
  }

  function refresh(): Promise<void> {
    if (underWay === undefined) {
      underWay = noted(read()).finally(() => {
        underWay = undefined;
      });
      return underWay;
    }
    // The read under way began before this call and may have missed what the caller has just written.
    next ??= underWay
      .catch(() => undefined)
      .then(() => {
        next = undefined;
        return refresh();
      });
    return next;
  }

  return {
    fresh: () => {
      const age = ageMs();
      return age !== undefined && age <= OFFERS_FRESH_MS ? snapshot : undefined;
    },
    newest: () => snapshot,
    policy: () => policy,
    charterOf: () => withCharters().charterOf,
    ageMs,
    isStoreReachable: () => isReachable,
    refresh,
    refreshPolicy,
    invalidateReleases() {
      releasesRead = undefined;
    },
    start() {
      let isEnded = false;
      let isAway = false;
      async function again(): Promise<void> {
        const beganAt = machineClock.now();
        try {
          await refresh();
          if (isAway) log.info({ stage: 'policy', code: 'store-back' }, 'The database is back');
          isAway = false;
        } catch (cause) {
          if (!isAway) log.warn({ stage: 'policy', code: 'store-away', err: cause }, 'The policy cannot be read');
          isAway = true;
        }
        const tookMs = elapsedMs(beganAt, machineClock.now());
        const waitMs = durationMs(Math.max(REFRESH_EVERY_MS - tookMs, REFRESH_PAUSE_MS));
        if (!isEnded) cancel = schedule.after(waitMs, () => void again());
      }
      let cancel = schedule.after(durationMs(0), () => void again());
      // That the store is away is said by the reading in its turn.
      const unfollow = notices?.follow(() => void refresh().catch(() => undefined));
      return () => {
        isEnded = true;
        cancel();
        unfollow?.();
      };
    },
  };
}

function releasesWanted({ rollouts }: Policy): ReadonlySet<ReleaseId> {
  const ids = new Set<ReleaseId>();
  for (const { plan, state } of rollouts.values()) if (state !== 'cancelled') ids.add(plan.releaseId);
  return ids;
}

// SPDX-License-Identifier: Apache-2.0
import { overviewOf, type RolloutOverview, type VerdictNote } from '@outrider/domain/decision/overview';
import type { ServerStore } from '@outrider/domain/decision/server-store';
import { StoreAwayError } from '@outrider/domain/decision/store-away';
import type { FleetClock, MachineClock } from '@outrider/domain/kernel/clock';
import type { RolloutId } from '@outrider/domain/kernel/ids';
import { elapsedMs } from '@outrider/domain/kernel/time';
import type { Rollout, RolloutState } from '@outrider/domain/policy/rollout';
import { isWhole, type Reach, WHOLE_REACH } from '@outrider/domain/trust/reach';
import {
  DECISIONS_SHOWN_MAX,
  type DeviceStates,
  type Overview,
  ROLLOUTS_SHOWN_MAX,
  type ServerVitals,
} from '@outrider/protocol/decision/overview';
import type { Decider, LatestDecision } from '../decision/decider.ts';
import type { SnapshotHolder } from '../policy/snapshot-holder.ts';
import type { HostVitals } from '../ports.ts';
import { isRolloutWithin, scopesWithin } from '../trust/reaching.ts';
import { joinVerdicts } from './join-verdicts.ts';
import type { Recorder } from './recorder.ts';
import { reusedFor } from './reused.ts';

/** The installation at a glance, for people who watch: from memory wherever it can be, so that watching costs nothing. */
export interface Overviews {
  /** Never throws StoreAwayError: what could not be read is as old as it is, or absent. */
  read(reach?: Reach): Promise<Overview>;
  vitals(): ServerVitals;
  /** Every rollout that is not draft or cancelled, whole, for the metrics. */
  liveRollouts(): Promise<readonly RolloutOverview[]>;
  deviceStates(): Promise<DeviceStates | undefined>;
}

/** Counting a million rows takes a second of one core: nobody needs it more often than this. */
const STATES_REUSED_MS = 60_000;
/** Decisions come once a minute, or on each step of a conductor. */
const VERDICTS_REUSED_MS = 2_000;

export function overviews(options: {
  readonly store: ServerStore;
  readonly holder: SnapshotHolder;
  readonly decider: Pick<Decider, 'latest'>;
  readonly recorder: Recorder;
  readonly fleetClock: FleetClock;
  readonly machineClock: MachineClock;
  readonly isConducted: boolean;
  readonly hostVitals?: () => HostVitals;
}): Overviews {
  const { store, holder, decider, recorder, fleetClock, machineClock } = options;
  const states = reusedFor(STATES_REUSED_MS, machineClock, () => store.registry.countStates());
  const verdicts = reusedFor(VERDICTS_REUSED_MS, machineClock, () =>
    store.decisions.loadNewestVerdicts(DECISIONS_SHOWN_MAX),
  );
  /** What was last decided about rollouts that nobody decides about any more. */
  const settled = new Map<RolloutId, { readonly revision: number; readonly latest: LatestDecision }>();

  async function latestOf({ plan, revision, state }: Rollout): Promise<LatestDecision> {
    const isDecided = IS_DECIDED_ABOUT[state];
    const kept = settled.get(plan.rolloutId);
    if (!isDecided && kept?.revision === revision) return kept.latest;
    const latest = await orUndefined(decider.latest(plan.rolloutId));
    if (latest === undefined) return kept?.latest ?? {};
    if (!isDecided) settled.set(plan.rolloutId, { revision, latest });
    return latest;
  }

  async function overview(rollout: Rollout): Promise<RolloutOverview> {
    const exposure = holder.newest()?.rollouts.get(rollout.plan.rolloutId)?.exposure;
    const { evidence, decision } = await latestOf(rollout);
    return overviewOf({
      rollout,
      ...(exposure === undefined ? {} : { exposure }),
      ...(evidence === undefined ? {} : { evidence }),
      ...(decision === undefined ? {} : { decision }),
    });
  }

  async function deviceStates(): Promise<DeviceStates | undefined> {
    const counts = await orUndefined(states());
    if (counts === undefined) return undefined;
    const rows = [...counts].map(([state, count]) => ({ state, count })).sort((a, b) => b.count - a.count);
    return { total: rows.reduce((sum, one) => sum + one.count, 0), states: rows };
  }

  function vitals(): ServerVitals {
    const connections = store.connections?.();
    const age = holder.ageMs();
    return {
      upMs: recorder.upMs(),
      isFresh: holder.fresh() !== undefined,
      ...(age === undefined ? {} : { snapshotAgeMs: age }),
      checkInsPerSecond: recorder.perSecond('check-in', () => true),
      permitsPerSecond: recorder.perSecond('permit', (code) => code === 'permit'),
      reportsPerSecond: recorder.perSecond('report', () => true),
      permitLatency: recorder.recent('permit'),
      requestLatency: recorder.recent('request'),
      ...options.hostVitals?.(),
      database: {
        isReachable: holder.isStoreReachable(),
        ...(connections === undefined
          ? {}
          : { connectionsInUse: connections.inUse, connectionsMax: connections.max, waiting: connections.waiting }),
      },
    };
  }

  async function read(reach: Reach = WHOLE_REACH): Promise<Overview> {
    const { revision, pausedScopes, rollouts: all } = holder.policy();
    const rollouts = [...all.values()].filter((one) => isRolloutWithin(one, reach));
    const own = new Set(rollouts.map((one) => one.plan.rolloutId));
    const shown = rollouts.toSorted(liveFirst).slice(0, ROLLOUTS_SHOWN_MAX);
    const [devices, notes] = await Promise.all([deviceStates(), orUndefined<readonly VerdictNote[]>(verdicts())]);
    const seen: RolloutOverview[] = [];
    for (const rollout of shown) seen.push(await overview(rollout));
    return {
      at: fleetClock.now(),
      isConducted: options.isConducted,
      revision,
      pausedScopes: scopesWithin(pausedScopes, reach).map((one) => one.scope),
      vitals: vitals(),
      // Counted over the whole registry: of no use to whoever sees a part of it, and none of their business.
      ...(devices === undefined || !isWhole(reach) ? {} : { devices }),
      rollouts: seen,
      rolloutCount: rollouts.length,
      decisions: joinVerdicts((notes ?? []).filter((one) => own.has(one.rolloutId))),
    };
  }

  return {
    read,
    vitals,
    async liveRollouts() {
      const found: RolloutOverview[] = [];
      for (const rollout of holder.policy().rollouts.values()) {
        if (IS_LIVE[rollout.state]) found.push(await overview(rollout));
      }
      return found;
    },
    deviceStates,
  };
}

/** Whether rounds still make decisions about it, so that the newest is in the decider's memory. */
const IS_DECIDED_ABOUT = {
  draft: false,
  approved: false,
  running: true,
  paused: true,
  halted: false,
  'rolling-back': false,
  'rolled-back': false,
  completed: true,
  cancelled: false,
} as const satisfies Readonly<Record<RolloutState, boolean>>;

/** Those that something still happens to. */
const IS_LIVE = {
  draft: false,
  approved: false,
  running: true,
  paused: true,
  halted: true,
  'rolling-back': true,
  'rolled-back': false,
  completed: false,
  cancelled: false,
} as const satisfies Readonly<Record<RolloutState, boolean>>;

function liveFirst(a: Rollout, b: Rollout): number {
  return Number(IS_LIVE[b.state]) - Number(IS_LIVE[a.state]) || elapsedMs(a.stateSince, b.stateSince);
}

/** People who watch must see the rest while the database is away, which `database.isReachable` says. */
async function orUndefined<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (cause) {
    if (cause instanceof StoreAwayError) return undefined;
    throw cause;
  }
}

// SPDX-License-Identifier: Apache-2.0
import type { Decision, DecisionInput } from '@outrider/domain/decision/decision';
import { LeaseLostError } from '@outrider/domain/decision/lease-ports';
import { decideSafely } from '@outrider/domain/decision/replay';
import { RULE_NOW } from '@outrider/domain/decision/rule';
import type { ServerStore } from '@outrider/domain/decision/server-store';
import { StoreAwayError } from '@outrider/domain/decision/store-away';
import { emptyEvidence } from '@outrider/domain/evidence/count';
import type { Evidence } from '@outrider/domain/evidence/evidence';
import { isCountedBy, leftOutBy } from '@outrider/domain/evidence/left-out';
import { present } from '@outrider/domain/kernel/assert';
import type { FleetClock } from '@outrider/domain/kernel/clock';
import type { RolloutId } from '@outrider/domain/kernel/ids';
import { type FleetInstant, fleetInstant, MINUTE_MS } from '@outrider/domain/kernel/time';
import type { Exposure } from '@outrider/domain/policy/exposure';
import { flagCountOf } from '@outrider/domain/policy/flags';
import type { Rollout, RolloutPlan } from '@outrider/domain/policy/rollout';
import { advance, afterResume, countAgain } from '../evidence/advance.ts';
import type { Counters } from '../gateway/counters.ts';
import type { DecisionTraces } from '../observability/decision-traces.ts';
import type { SnapshotHolder } from '../policy/snapshot-holder.ts';
import type { Log } from '../ports.ts';
import { isAnotherExposure, isAnotherStep, isAnotherVerdict } from './difference.ts';
import type { Verdicts } from './verdicts.ts';

/**
 * Counts and decides about every live rollout: the loop from evidence back to policy. One server of an installation calls
 * `tick` (see `leadership.ts`); all state that a round needs is in the store, so any other may take over.
 */
export interface Decider {
  /** One round over all rollouts. One at a time: a call during a round waits for it and makes its own. */
  tick(): Promise<void>;
  /** What was last counted and decided about a rollout. */
  latest(rolloutId: RolloutId): Promise<LatestDecision>;
}

export interface LatestDecision {
  readonly evidence?: Evidence;
  readonly decision?: Decision;
}

/** Caps move on this grid (design/decision.md, "Admission"); halts do not wait for it. */
const GRID_MS = 10 * MINUTE_MS;

/** What is in memory about a rollout between two rounds; all of it can be read from the store again. */
interface Watch {
  readonly evidence: Evidence;
  readonly decision?: Decision;
  /** As it was decided about; absent where the decision was read from the store. */
  readonly decidedAbout?: Rollout;
  /** When it was last seen that the decision stands, later than it was made. */
  readonly stoodAt?: FleetInstant;
}

export function decider(options: {
  readonly store: ServerStore;
  readonly holder: SnapshotHolder;
  readonly verdicts: Verdicts;
  readonly fleetClock: FleetClock;
  /** While it cannot be trusted evidence can only stop: nothing widens because a clock was set. */
  readonly isClockTrusted: () => boolean;
  readonly counters: Counters;
  /** Absent: decisions leave no traces. */
  readonly traces?: DecisionTraces;
  readonly log: Log;
}): Decider {
  const { store, holder, verdicts, fleetClock, isClockTrusted, counters, traces, log } = options;
  const watches = new Map<RolloutId, Watch>();
  let lastRound: Promise<void> = Promise.resolve();

  async function round(): Promise<void> {
    await holder.refresh();
    const now = fleetClock.now();
    for (const rollout of holder.policy().rollouts.values()) {
      await attend(rollout, now).catch((cause: unknown) => {
        if (cause instanceof StoreAwayError || cause instanceof LeaseLostError) throw cause;
        // One rollout that cannot be attended to must not keep the others from being halted.
        const { rolloutId } = rollout.plan;
        log.error({ stage: 'decision', code: 'decision-failed', rolloutId, err: cause }, 'A decision failed');
      });
    }
  }

  async function attend(rollout: Rollout, now: FleetInstant): Promise<void> {
    switch (rollout.state) {
      case 'running':
      case 'paused':
      case 'completed':
        return decideAbout(rollout, now);
      case 'halted':
        await countAgainWhileHalted(rollout, now);
        return verdicts.followHalt(rollout);
      case 'rolling-back':
        return verdicts.followRollback(rollout, now);
      case 'draft':
      case 'approved':
      case 'rolled-back':
      case 'cancelled':
        return undefined;
    }
  }

  async function decideAbout(rollout: Rollout, now: FleetInstant): Promise<void> {
    const { plan } = rollout;
    const watched = watches.get(plan.rolloutId);
    const before = watched ?? (await loadWatch(plan));
    const beganAt = traces?.now();
    const advanced = await advance(store.ledger, plan, { evidence: goingOn(rollout, before), now });
    const isAnew = !isCountedBy(advanced.evidence, leftOutBy(rollout));
    const evidence = isAnew ? await recounted(rollout, advanced.evidence) : advanced.evidence;
    const hasNews = advanced.hasNews || isAnew;
    const countedAt = traces?.now();
    traces?.counted(plan.rolloutId, advanced.counted);
    const isOnGrid = gridOf(now) > gridOf(before.stoodAt ?? before.decision?.at ?? -1);
    // A server that was killed may have left a verdict that is stored and was not acted upon: the first look decides.
    const isFirstLook = watched === undefined;
    if (!hasNews && !isOnGrid && !isFirstLook) return void watches.set(plan.rolloutId, { ...before, evidence });

    // Between the grid's points, while nothing is given out or the clock is in doubt, evidence can only stop.
    const isWidening = isOnGrid && rollout.state !== 'paused' && isClockTrusted();
    const exposure = await store.exposures.loadExposure(plan.rolloutId);
    if (!hasNews && isSettled(rollout, before, exposure)) {
      return void watches.set(plan.rolloutId, { ...before, evidence, stoodAt: now });
    }
    const input = inputOf(rollout, { evidence, exposure, now, isWidening });
    const { decision, cause } = decideSafely(plan, input);
    counters.add('decision', cause === undefined ? decision.overall.kind : 'failed');
    if (cause !== undefined) {
      const { rolloutId } = plan;
      log.error({ stage: 'decision', code: 'decision-failed', rolloutId, err: cause }, 'The rule itself failed');
    }
    const isStop = decision.overall.kind === 'halt' || decision.overall.kind === 'pause';
    const isNewHalt = decision.segments.some(
      ({ segment, verdict }) => verdict.kind === 'halt' && !rollout.haltedSegments.includes(segment),
    );
    if (!isWidening && !isStop && !isNewHalt) return void watches.set(plan.rolloutId, { ...before, evidence });

    if (hasNews || isAnotherVerdict(before.decision, decision) || isAnotherStep(input.exposure, decision.exposure)) {
      await store.decisions.appendDecision(input, decision);
      if (traces !== undefined && beganAt !== undefined && countedAt !== undefined) {
        traces.decided(decision, { beganAt, countedAt, decidedAt: traces.now() });
      }
    }
    if (isAnotherExposure(input.exposure, decision.exposure)) await store.exposures.storeExposure(decision.exposure);
    await verdicts.apply(rollout, decision);
    // Last: where the store went away half-way, the next round finds the same news, stores it and acts upon it.
    watches.set(plan.rolloutId, { evidence, decision, decidedAbout: rollout });
  }

  /** By what the policy leaves out now; both exclusion and restart are of people, so it is seldom that all rows are read. */
  function recounted(rollout: Rollout, evidence: Evidence): Promise<Evidence> {
    return countAgain(store.ledger, rollout.plan, { evidence, leftOut: leftOutBy(rollout) });
  }

  /**
   * A person took reports out of the counts, or in again, while the rollout is halted: the counts without them, and what the
   * rule says of them, are stored, so that two people can decide by them. Nothing follows by itself: it stays halted.
   */
  async function countAgainWhileHalted(rollout: Rollout, now: FleetInstant): Promise<void> {
    const { plan } = rollout;
    const watched = watches.get(plan.rolloutId) ?? (await loadWatch(plan));
    watches.set(plan.rolloutId, watched);
    if (isCountedBy(watched.evidence, leftOutBy(rollout))) return;
    const advanced = await advance(store.ledger, plan, { evidence: watched.evidence, now });
    const evidence = await recounted(rollout, advanced.evidence);
    const exposure = await store.exposures.loadExposure(plan.rolloutId);
    const input = inputOf(rollout, { evidence, exposure, now, isWidening: false });
    const { decision } = decideSafely(plan, input);
    await store.decisions.appendDecision(input, decision);
    watches.set(plan.rolloutId, { evidence, decision });
  }

  /** After a restart counting goes on from the evidence that was stored with the newest decision. */
  async function loadWatch(plan: RolloutPlan): Promise<Watch> {
    const { evidence, decision } = await loadLatest(plan.rolloutId);
    // From the beginning of time: the rows themselves say when they came.
    const from = evidence ?? emptyEvidence(plan, fleetInstant(0));
    return { evidence: from, ...(decision === undefined ? {} : { decision }) };
  }

  async function loadLatest(rolloutId: RolloutId): Promise<LatestDecision> {
    const evidence = await store.decisions.loadLatestEvidence(rolloutId);
    if (evidence === undefined) return {};
    // A decision is made at the instant up to which its evidence was counted.
    const afterAt = fleetInstant(Math.max(0, evidence.asOf - 1));
    const decisions = await store.decisions.loadDecisions(rolloutId, { afterAt, limit: 1 });
    const newest = decisions.at(-1);
    return { evidence, ...(newest === undefined ? {} : { decision: newest.decision }) };
  }

  return {
    tick() {
      const mine = lastRound.catch(() => undefined).then(round);
      lastRound = mine;
      return mine;
    },
    async latest(rolloutId) {
      return watches.get(rolloutId) ?? loadLatest(rolloutId);
    },
  };
}

function inputOf(
  rollout: Rollout,
  seen: {
    readonly evidence: Evidence;
    readonly exposure: Exposure | undefined;
    readonly now: FleetInstant;
    readonly isWidening: boolean;
  },
): DecisionInput {
  const flags = flagCountOf(rollout);
  return {
    evidence: seen.evidence,
    exposure: present(seen.exposure, 'an exposure of a rollout that was started'),
    now: seen.now,
    haltedSegments: rollout.haltedSegments,
    ...(flags === undefined ? {} : { flags }),
    ...(rollout.haltedRegions === undefined
      ? {}
      : { haltedPopulations: rollout.haltedRegions.flatMap((one) => one.populations) }),
    ...(rollout.limitDevices === undefined ? {} : { limitDevices: rollout.limitDevices }),
    ...(seen.isWidening ? {} : { isStopOnly: true }),
    rule: RULE_NOW,
  };
}

/**
 * All are released, as the last decision about this very rollout said, and its exposure was stored: until something is heard,
 * time alone changes nothing. Most rollouts of an installation are such, and each would be decided about anew in every round.
 */
function isSettled(rollout: Rollout, { decision, decidedAbout }: Watch, stored: Exposure | undefined): boolean {
  if (rollout.state !== 'completed' || decidedAbout !== rollout || decision?.overall.kind !== 'complete') return false;
  return (
    stored !== undefined &&
    !isAnotherExposure(stored, decision.exposure) &&
    stored.granted === decision.exposure.granted
  );
}

/** A person resumed what the rule had paused: its installation counts begin again under that signature. */
function goingOn(rollout: Rollout, { evidence, decision }: Watch): Evidence {
  const wasPaused = decision?.overall.kind === 'pause' && decision.at <= rollout.stateSince;
  return wasPaused && rollout.state === 'running' ? afterResume(evidence, rollout.stateSince) : evidence;
}

function gridOf(instantMs: number): number {
  return Math.floor(instantMs / GRID_MS);
}

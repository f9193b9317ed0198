// SPDX-License-Identifier: Apache-2.0
import type { FleetHistory, ReleaseHistory } from '@outrider/domain/decision/base-rates/history';
import type { Ledger } from '@outrider/domain/gateway/ports';
import type { FleetClock } from '@outrider/domain/kernel/clock';
import type { RolloutId } from '@outrider/domain/kernel/ids';
import { elapsedMs, type FleetInstant, HOUR_MS, MINUTE_MS } from '@outrider/domain/kernel/time';
import type { Rollout, RolloutPlan } from '@outrider/domain/policy/rollout';
import { lastCompleted, loadRelease } from './fleet-history.ts';

/** What rollouts have shown by segment and hour of the day, kept for a while: each is a ledger to be counted. */
export interface Histories {
  /** What the last good releases of the plan's device type did, oldest first; without the plan's own rollout. */
  before(plan: HistoryOf, rollouts: Iterable<Rollout>): Promise<FleetHistory>;
  /** What one rollout has done so far. */
  of(rollout: Rollout): Promise<ReleaseHistory>;
}

/** Of which device type; a plan that is a rollout already is no history of its own. */
export type HistoryOf = Pick<RolloutPlan, 'deviceType'> & Partial<Pick<RolloutPlan, 'rolloutId'>>;

/** A rollout that goes on is read anew as often as caps move; one that completed has only late joiners to come. */
const FRESH_MS = 10 * MINUTE_MS;
const COMPLETED_FRESH_MS = HOUR_MS;

/** Rollouts that are kept: those of a view that is open, and the last ones of some device types. */
const KEPT_MAX = 64;

interface Kept {
  readonly at: FleetInstant;
  readonly state: Rollout['state'];
  readonly history: Promise<ReleaseHistory>;
}

export function histories(ledger: Ledger, fleetClock: FleetClock): Histories {
  const kept = new Map<RolloutId, Kept>();

  async function of(rollout: Rollout): Promise<ReleaseHistory> {
    const { rolloutId } = rollout.plan;
    const now = fleetClock.now();
    const known = kept.get(rolloutId);
    if (known !== undefined && known.state === rollout.state && isFresh(known, now)) return known.history;
    const history = loadRelease(ledger, rollout);
    kept.delete(rolloutId);
    kept.set(rolloutId, { at: now, state: rollout.state, history });
    const oldest = kept.size > KEPT_MAX ? kept.keys().next() : undefined;
    if (oldest !== undefined && !oldest.done) kept.delete(oldest.value);
    // What could not be read is read again, and not remembered as a failure.
    history.catch(() => kept.delete(rolloutId));
    return history;
  }

  return {
    of,
    async before({ rolloutId, deviceType }, rollouts) {
      const others = [...rollouts].filter((one) => one.plan.rolloutId !== rolloutId);
      const found: ReleaseHistory[] = [];
      for (const rollout of lastCompleted(others, deviceType)) found.push(await of(rollout));
      return found.filter((one) => one.cells.length > 0);
    },
  };
}

function isFresh({ at, state }: Kept, now: FleetInstant): boolean {
  const ageMs = elapsedMs(at, now);
  return ageMs >= 0 && ageMs < (state === 'completed' ? COMPLETED_FRESH_MS : FRESH_MS);
}

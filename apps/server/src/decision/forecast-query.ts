// SPDX-License-Identifier: Apache-2.0
import { type Drift, driftOf } from '@outrider/domain/decision/base-rates/drift';
import { lintPlan, type PlanFinding } from '@outrider/domain/decision/base-rates/lint-plan';
import { type BaseRateProposal, proposeBaseRates } from '@outrider/domain/decision/base-rates/propose';
import { fleetCounter } from '@outrider/domain/decision/forecast/counted-fleet';
import type { ForecastFloors } from '@outrider/domain/decision/forecast/floor-limits';
import type { Forecast, ForecastInput } from '@outrider/domain/decision/forecast/forecast';
import type { ForecastOrders } from '@outrider/domain/decision/forecast/orders';
import type { TrafficPrice } from '@outrider/domain/decision/forecast/traffic';
import type { ServerStore } from '@outrider/domain/decision/server-store';
import { IS_LIVE } from '@outrider/domain/gateway/compile-snapshot';
import type { FleetClock } from '@outrider/domain/kernel/clock';
import type { RolloutId } from '@outrider/domain/kernel/ids';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import type { Rollout, RolloutPlan } from '@outrider/domain/policy/rollout';
import { validatePlan } from '@outrider/domain/policy/validate-plan';
import type { PublishedRelease, ReleaseManifest } from '@outrider/domain/release/release';
import { type CommandError, refuse } from '../errors.ts';
import { policyProblem } from '../policy/policy-problem.ts';
import { allDevices } from '../policy/populations.ts';
import type { SnapshotHolder } from '../policy/snapshot-holder.ts';
import { imagesOf } from '../release/verify-images.ts';
import { loadPast, loadRelease } from './fleet-history.ts';

/** A plan as the fleet it is for would meet it: what it will do, and what its base rates should be. */
export interface PlanForecast {
  readonly forecast: Forecast;
  readonly baseRates: readonly BaseRateProposal[];
  readonly findings: readonly PlanFinding[];
  /** For a rollout that has begun: how near its devices have come to the base rates. */
  readonly drift?: readonly Drift[];
}

/** Forecasts of plans, written or not. Nothing here changes anything. */
export interface Forecasts {
  /** Codes: plan-invalid, release-unknown, rate-limited. */
  ofPlan(plan: RolloutPlan, price?: TrafficPrice): Promise<Result<PlanForecast, CommandError>>;
  /** Codes: rollout-unknown, release-unknown, rate-limited. */
  ofRollout(rolloutId: RolloutId, price?: TrafficPrice): Promise<Result<PlanForecast, CommandError>>;
}

/** Forecasts under way and waiting: each takes a core for seconds, and the server has other work. */
const WAITING_MAX = 4;

export function forecasts(options: {
  readonly store: ServerStore;
  readonly holder: SnapshotHolder;
  readonly fleetClock: FleetClock;
  /** What was signed of floors, for a release; absent: there are no repositories. */
  readonly floorsOf?: (manifest: ReleaseManifest) => Promise<ForecastFloors>;
  /** Plays the forecast somewhere where it keeps nobody waiting. */
  readonly play: (input: ForecastInput) => Promise<Forecast>;
}): Forecasts {
  const { store, holder, fleetClock, floorsOf, play } = options;
  let waiting = 0;
  let last: Promise<unknown> = Promise.resolve();

  async function inputOf(
    plan: RolloutPlan,
  ): Promise<Result<ForecastInput & { readonly baseRates: BaseRates }, CommandError>> {
    await holder.refresh();
    const { releaseId, rolloutId } = plan;
    const release = await store.catalogue.loadRelease(releaseId);
    if (release === undefined) {
      return refuse('release-unknown', `No release ${releaseId} is published; publish it first`, { releaseId });
    }
    const { manifest } = release;
    const deltas = await store.deltas.loadDeltasTo(imagesOf(manifest).map((image) => image.digest));
    const { rollouts } = holder.policy();
    const known = rollouts.get(rolloutId);
    const orders = ordersNow(release, known);
    const now = fleetClock.now();
    const counter = fleetCounter(plan, { release: manifest, deltas, orders: { given: orders, now } });
    for await (const { deviceId, attributes, status } of allDevices(store.registry)) {
      counter.add({ deviceId, attributes, running: status.running });
    }
    const others = [...rollouts.values()].filter((one) => one.plan.rolloutId !== rolloutId);
    const past = await loadPast(store.ledger, others, plan.deviceType);
    const { behaviour } = past;
    const floors = await floorsOf?.(manifest);
    return ok({
      ...{ plan, release: manifest, deltas, orders, fleet: counter.counted(), now },
      ...(floors && { floors }),
      ...(behaviour === undefined ? {} : { behaviour, measured: ['rates'] as const }),
      isApproved: known !== undefined && known.state !== 'draft',
      baseRates: {
        baseRates: proposeBaseRates(past.releases),
        findings: lintPlan(plan, past.releases),
        ...(known === undefined || !IS_LIVE[known.state]
          ? {}
          : { drift: driftOf(plan, await loadRelease(store.ledger, known), past.releases) }),
      },
    });
  }

  /** What people have ordered up to now, over all rollouts and about this one. */
  function ordersNow(release: PublishedRelease, rollout: Rollout | undefined): ForecastOrders {
    const { orders: standing, pausedScopes } = holder.policy();
    if (rollout === undefined) return { standing, pausedScopes };
    const charter = holder.charterOf()?.(rollout, release);
    return { standing, pausedScopes, rollout, ...(charter === undefined ? {} : { charter }) };
  }

  async function ofPlan(plan: RolloutPlan, price?: TrafficPrice): Promise<Result<PlanForecast, CommandError>> {
    const valid = validatePlan(plan);
    if (!valid.ok) return err(policyProblem(valid.error));
    if (waiting >= WAITING_MAX) {
      return refuse('rate-limited', `${waiting} forecasts are under way, the most is ${WAITING_MAX}; ask again later`);
    }
    waiting++;
    try {
      const input = await inputOf(plan);
      if (!input.ok) return input;
      const { baseRates, ...asked } = input.value;
      const mine = last.then(() => play(price === undefined ? asked : { ...asked, price }));
      // The next one waits for the end of this one, not for its success.
      last = mine.catch(() => undefined);
      return ok({ forecast: await mine, ...baseRates });
    } finally {
      waiting--;
    }
  }

  return {
    ofPlan,
    async ofRollout(rolloutId, price) {
      await holder.refresh();
      const rollout = holder.policy().rollouts.get(rolloutId);
      if (rollout === undefined) return err(policyProblem({ code: 'rollout-unknown', rolloutId }));
      return ofPlan(rollout.plan, price);
    },
  };
}

type BaseRates = Omit<PlanForecast, 'forecast'>;

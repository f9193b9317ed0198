// SPDX-License-Identifier: Apache-2.0
import { StoreAwayError } from '@outrider/domain/decision/store-away';
import type { RolloutId } from '@outrider/domain/kernel/ids';
import type { Result } from '@outrider/domain/kernel/result';
import type { Server } from '@outrider/server/compose';
import type { Turns } from '@outrider/testkit/turns';
import type { FaultOf, Weather } from './faults/weather.ts';
import type { Gateways } from './gateways.ts';
import type { Watch } from './oracles/watch.ts';

/** A person who pauses and resumes at the worst moments, through whichever server answers, and tries again. */
export interface Operator {
  /** What is to be done in this step; resolves when it is done or given up. */
  act(): Promise<void>;
}

/** A person tries for as long as this; then something else will have to stop it. */
const ATTEMPTS_MAX = 6;
const RETRY_MEAN_MS = 1_000;
/** Who commands here, as the policy log shows it. */
const AUTHOR = 'operator';

export function createOperator(options: {
  readonly gateways: Gateways;
  readonly turns: Turns;
  readonly weather: Weather;
  readonly watch: Watch;
  /** The newest rollout, once there is one. */
  readonly rolloutId: () => RolloutId | undefined;
}): Operator {
  const { gateways, turns, weather, watch, rolloutId } = options;
  /** What was paused, to be resumed at a step: the same rollout, whatever is newest by then. */
  const paused: { readonly fault: FaultOf<'pause'>; readonly scope: string; readonly rolloutId: RolloutId }[] = [];

  async function insist<T>(work: (server: Server) => Promise<Result<T, unknown>>): Promise<T | undefined> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      try {
        const result = await gateways.command(work);
        // A refusal is an answer: it is paused already, or there is nothing to pause.
        if (result !== undefined) return result.ok ? result.value : undefined;
      } catch (cause) {
        if (!(cause instanceof StoreAwayError)) throw cause;
      }
      await turns.waitAbout(RETRY_MEAN_MS);
    }
    return undefined;
  }

  async function pause(fault: FaultOf<'pause'>, newest: RolloutId): Promise<void> {
    await turns.wait(fault.afterMs);
    const { isIncludingRollback } = fault;
    const scope = fault.scope === 'rollout' ? (`rollout:${newest}` as const) : fault.scope;
    const common = { reason: 'A person wants to look', author: AUTHOR, isIncludingRollback };
    const receipt = await insist(({ policy }) =>
      fault.scope === 'rollout'
        ? policy.changeRollout({ ...common, rolloutId: newest, event: 'pause' })
        : policy.pauseScope({ ...common, scope: fault.scope }),
    );
    if (receipt !== undefined) watch.see({ kind: 'pause-returned', scope, revision: receipt.revision });
    paused.push({ fault, scope, rolloutId: newest });
  }

  async function resume({ fault, rolloutId: former }: (typeof paused)[number]): Promise<void> {
    const common = { reason: 'A person has looked', author: AUTHOR };
    await insist(({ policy }) =>
      fault.scope === 'rollout'
        ? policy.changeRollout({ ...common, rolloutId: former, event: 'resume' })
        : policy.resumeScope({ ...common, scope: fault.scope }),
    );
  }

  return {
    async act() {
      const due = paused.filter(({ fault }) => fault.fromStep + fault.steps <= weather.step);
      for (const one of due) paused.splice(paused.indexOf(one), 1);
      const newest = rolloutId();
      const beginning = newest === undefined ? [] : weather.beginning('pause');
      await Promise.all([
        ...due.map(resume),
        ...(newest === undefined ? [] : beginning.map((fault) => pause(fault, newest))),
      ]);
    },
  };
}

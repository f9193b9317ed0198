// SPDX-License-Identifier: Apache-2.0
import { delay } from '@outrider/adapters/shared/delay';
import type { Revision, RolloutId } from '@outrider/domain/kernel/ids';
import { below, type Prng } from '@outrider/domain/kernel/prng';
import type { Scope } from '@outrider/domain/policy/log';
import type { RolloutPlan } from '@outrider/domain/policy/rollout';
import { record } from '@outrider/protocol/kernel/reader';
import { instant, revision } from '@outrider/protocol/kernel/values';
import type { Acknowledgements } from './acknowledged.ts';
import type { Ask } from './api.ts';
import type { Lane } from './lane.ts';
import type { RawStore } from './raw-store.ts';

/** Whoever operates the fleet changes his mind all the time: so that revisions and their entries are at stake. */
export interface Operator extends Lane {
  /** Permits that came into being in a scope between the receipt of its pause and the request to resume it. */
  permitsWhilePaused(): number;
  /** Pauses of which the receipt came and that were looked at before they ended. */
  pausesWatched(): number;
}

/** How long a pause holds, and the breath between two changes: the fleet shall have most of the time. */
const PAUSED_MS = 40;
const BREATH_MS = 60;

const SCOPES: readonly Scope[] = ['region:eu', 'region:na', 'region:apac', 'global'];

export function operator(options: {
  readonly ask: Ask;
  readonly acknowledgements: Acknowledgements;
  readonly source: Prng;
  /** The rollout that is paused and resumed; drafts of others are made from its plan. */
  readonly plan: RolloutPlan;
  readonly openRawStore: () => Promise<RawStore>;
}): Operator {
  const { ask, acknowledgements, source, plan, openRawStore } = options;
  let changes = 0;
  let [granted, watched] = [0, 0];

  /** True when the receipt came. */
  async function change(path: string, body: Readonly<Record<string, unknown>>, noted?: string): Promise<boolean> {
    const author = `operator-${++changes}`;
    const receipt = await ask({ method: 'POST', path, body: { ...body, author }, reader: RECEIPT });
    if (receipt === undefined) return false;
    acknowledgements.noteEntry(receipt.revision, { at: receipt.at, author, reason: noted ?? '' });
    return true;
  }

  async function pauseScope(scope: Scope): Promise<void> {
    const reason = `Pause ${changes} of ${scope}`;
    const isPaused = await change('/scopes/pause', { scope, reason }, reason);
    const position = isPaused ? await look((store) => store.newestPosition()) : undefined;
    await delay(PAUSED_MS);
    const region = scope === 'global' ? {} : { region: scope.slice('region:'.length) };
    const since =
      position === undefined ? undefined : await look((store) => store.countGranted({ position, ...region }));
    if (since !== undefined) {
      watched++;
      granted += since;
    }
    // Also when the pause was not acknowledged: it may have come into force.
    const goingOn = `Go on after pause ${changes}`;
    await change('/scopes/resume', { scope, reason: goingOn }, goingOn);
  }

  async function pauseRollout(): Promise<void> {
    const path = `/rollouts/${plan.rolloutId}/events`;
    for (const event of ['pause', 'resume']) {
      const reason = `${event} ${changes}`;
      await change(path, { event, reason }, reason);
      await delay(PAUSED_MS);
    }
  }

  /** A draft that never starts, and its end. */
  async function draft(): Promise<void> {
    const rolloutId = `draft-${changes}` as RolloutId;
    // Without a receipt nobody knows whether it is there: it stays what it is, a draft or nothing.
    if (!(await change('/rollouts', { plan: { ...plan, rolloutId, salt: `${plan.salt}-${changes}` } }))) return;
    const reason = `Not wanted after all, change ${changes}`;
    await change(`/rollouts/${rolloutId}/events`, { event: 'cancel', reason }, reason);
  }

  /** Undefined while the database is away: nothing was seen then. */
  async function look<T>(what: (store: RawStore) => Promise<T>): Promise<T | undefined> {
    try {
      const store = await openRawStore();
      try {
        return await what(store);
      } finally {
        await store.close();
      }
    } catch {
      return undefined;
    }
  }

  /** Whatever a kill left paused goes on: an operator finds it and resumes it. */
  async function resumeAll(): Promise<void> {
    for (const scope of SCOPES) {
      const reason = `Nothing stays paused, change ${changes}`;
      await change('/scopes/resume', { scope, reason }, reason);
    }
    const reason = `Going on, change ${changes}`;
    await change(`/rollouts/${plan.rolloutId}/events`, { event: 'resume', reason }, reason);
  }

  return {
    permitsWhilePaused: () => granted,
    pausesWatched: () => watched,
    async run(isOver) {
      await resumeAll();
      while (!isOver()) {
        const draw = below(source, 10);
        if (draw < 6) await pauseScope(SCOPES[below(source, SCOPES.length)] ?? 'global');
        else if (draw < 8) await pauseRollout();
        else await draft();
        await delay(BREATH_MS);
      }
    },
  };
}

const RECEIPT = record<{ readonly revision: Revision; readonly at: number }>({ revision, at: instant });

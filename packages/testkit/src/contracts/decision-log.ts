// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Decision, DecisionInput } from '@outrider/domain/decision/decision';
import { decisionPoint, HISTORY_POINTS_MAX } from '@outrider/domain/decision/history';
import { emptyEvidence } from '@outrider/domain/evidence/count';
import { at, exposureOf, OTHER_ROLLOUT, planOf, ROLLOUT } from './store-fixtures.ts';
import { type OpenStore, useStore } from './use-store.ts';

/** What every log of decisions must do: keep each with its inputs, to the last digit. */
export function decisionLogContract(adapter: string, open: OpenStore): void {
  describe(`decisions: ${adapter}`, () => {
    test('a decision is kept with its inputs, every figure to the last digit', () =>
      useStore(open, async ({ decisions }) => {
        await decisions.appendDecision(decisionInput(10), decision(10));
        assert.deepEqual(await decisions.loadDecisions(ROLLOUT, { limit: 5 }), [
          { input: decisionInput(10), decision: decision(10) },
        ]);
        assert.deepEqual(await decisions.loadDecisions(OTHER_ROLLOUT, { limit: 5 }), []);
      }));

    test('counting goes on from the evidence of the newest decision, also when an older one is stored late', () =>
      useStore(open, async ({ decisions }) => {
        assert.equal(await decisions.loadLatestEvidence(ROLLOUT), undefined);
        await decisions.appendDecision(decisionInput(20), decision(20));
        await decisions.appendDecision(decisionInput(10), decision(10));
        assert.deepEqual(await decisions.loadLatestEvidence(ROLLOUT), decisionInput(20).evidence);
        assert.equal(await decisions.loadLatestEvidence(OTHER_ROLLOUT), undefined);
      }));

    test('the newest verdicts of all rollouts come first, without their figures', () =>
      useStore(open, async ({ decisions }) => {
        assert.deepEqual(await decisions.loadNewestVerdicts(5), []);
        for (const minutes of [10, 20]) await decisions.appendDecision(decisionInput(minutes), decision(minutes));
        await decisions.appendDecision(decisionInput(30), { ...decision(30), rolloutId: OTHER_ROLLOUT });
        const notes = await decisions.loadNewestVerdicts(2);
        assert.deepEqual(notes, [
          { rolloutId: OTHER_ROLLOUT, at: at(30), kind: 'hold', reason: 'the wave bakes' },
          { rolloutId: ROLLOUT, at: at(20), kind: 'hold', reason: 'the wave bakes' },
        ]);
      }));

    test('the curves of a rollout have its decisions oldest first, thinned evenly, and end with the newest', () =>
      useStore(open, async ({ decisions }) => {
        assert.deepEqual(await decisions.loadHistory(ROLLOUT), []);
        for (const minutes of [20, 10]) await decisions.appendDecision(decisionInput(minutes), decision(minutes));
        await decisions.appendDecision(decisionInput(30), { ...decision(30), rolloutId: OTHER_ROLLOUT });
        const both = [decisionPoint(decision(10)), decisionPoint(decision(20))];
        assert.deepEqual(await decisions.loadHistory(ROLLOUT), both);
        for (let minutes = 21; minutes <= HISTORY_POINTS_MAX + 20; minutes++)
          await decisions.appendDecision(decisionInput(minutes), decision(minutes));
        const thinned = (await decisions.loadHistory(ROLLOUT)).map((one) => one.at);
        assert.equal(thinned.length, HISTORY_POINTS_MAX / 2 + 1);
        assert.deepEqual(thinned.slice(0, 2), [at(20), at(22)]);
        assert.equal(thinned.at(-1), at(HISTORY_POINTS_MAX + 20));
      }));

    test('the history pages through every decision once, oldest first, and never parts those of one instant', () =>
      useStore(open, async ({ decisions }) => {
        for (const minutes of [30, 10, 20, 20, 40])
          await decisions.appendDecision(decisionInput(minutes), decision(minutes));
        const first = await decisions.loadDecisions(ROLLOUT, { limit: 2 });
        assert.deepEqual(
          first.map((one) => one.decision.at),
          [at(10), at(20), at(20)],
        );
        const rest = await decisions.loadDecisions(ROLLOUT, { afterAt: at(20), limit: 5 });
        assert.deepEqual(
          rest.map((one) => one.decision.at),
          [at(30), at(40)],
        );
      }));
  });
}

export function decisionInput(minutes: number): DecisionInput {
  const evidence = emptyEvidence(planOf(ROLLOUT), at(minutes));
  return { evidence, exposure: exposureOf(ROLLOUT, 10), now: at(minutes) };
}

export function decision(minutes: number): Decision {
  return {
    rolloutId: ROLLOUT,
    at: at(minutes),
    overall: { kind: 'hold', reason: 'the wave bakes' },
    segments: [],
    figures: [{ metric: 'revert', lnE: -0.1 - 0.2, threshold: 6.684611727667927, harmUpper: 5e-324 }],
    exposure: exposureOf(ROLLOUT, 10),
  };
}

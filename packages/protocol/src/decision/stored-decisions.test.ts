// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { StoredDecision } from '@outrider/domain/decision/decision';
import { replayDecision } from '@outrider/domain/decision/replay';
import type { RolloutPlan } from '@outrider/domain/policy/rollout';
import { parseRolloutPlan } from '../policy/rollout-plan.ts';
import { parseDecisionPage } from './decision.ts';

/** Decisions as programs of their time have stored them: never written anew, only added to. */
const GOLDEN = JSON.parse(readFileSync(new URL('../../vectors/v1/decisions.json', import.meta.url), 'utf8'));

for (const { name, text } of GOLDEN.accepted) {
  test(`stored decisions come out the same when they are replayed: ${name}`, () => {
    const items = itemsOf(text);
    assert.ok(items.length > 0);
    for (const stored of items) assert.deepEqual(replayDecision(planOf(), stored), [], String(stored.decision.at));
  });
}

test('they hold what they are there for: verdicts of several kinds, a halted segment, all newer fields', () => {
  const [older = [], newer = []] = GOLDEN.accepted.map(({ text }: { readonly text: string }) => itemsOf(text));
  const kinds = new Set([...older, ...newer].map((one) => one.decision.overall.kind));
  assert.deepEqual([...kinds].sort(), ['admit', 'complete', 'hold']);
  assert.ok(older.some((one: StoredDecision) => one.decision.segments.some(({ verdict }) => verdict.kind === 'halt')));
  assert.ok(older.every((one: StoredDecision) => one.input.evidence.before === undefined));
  assert.ok(newer.some((one: StoredDecision) => (one.input.evidence.before ?? []).length > 0));
  assert.ok(newer.some((one: StoredDecision) => one.input.limitDevices !== undefined));
  assert.ok(newer.some((one: StoredDecision) => one.decision.shown !== undefined));
});

test('a decision replays by the rule it was made by: without the field it would be another one', () => {
  const items = itemsOf(GOLDEN.accepted[2].text);
  assert.ok(items.length > 0 && items.every((one) => one.input.rule === 2));
  for (const { input, decision } of items) {
    const { rule: _, ...older } = input;
    const fields = replayDecision(planOf(), { input: older, decision }).map((one) => one.field);
    assert.ok(fields.includes('exposure cap'), JSON.stringify(fields));
  }
});

test('a figure that was altered in a stored decision is found', () => {
  const [stored] = itemsOf(GOLDEN.accepted[1].text).filter((one) => one.decision.shown !== undefined);
  assert.ok(stored?.decision.shown !== undefined);
  const [first, ...others] = stored.decision.shown;
  assert.ok(first !== undefined);
  const altered = { ...stored.decision, shown: [{ ...first, upper: first.upper * (1 + 1e-8) }, ...others] };
  const differences = replayDecision(planOf(), { input: stored.input, decision: altered });
  assert.deepEqual(
    differences.map((one) => one.field),
    ['shown revert overall upper'],
  );
});

function itemsOf(text: string): readonly StoredDecision[] {
  const page = parseDecisionPage(text);
  assert.ok(page.ok, JSON.stringify(page));
  return page.value.items;
}

function planOf(): RolloutPlan {
  const plan = parseRolloutPlan(GOLDEN.plan);
  assert.ok(plan.ok);
  return plan.value;
}

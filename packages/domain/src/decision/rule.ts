// SPDX-License-Identifier: Apache-2.0
import type { Gates } from '../policy/rollout.ts';

/**
 * Which numbers a decision was made by. Each decision stores its own, so that one of an older program replays as it was made;
 * one without the field is of rule 1. Halts are by the same tests in both: only how fast a good release widens differs.
 */
export type RuleVersion = 1 | 2;

/** What every new decision is made by. */
export const RULE_NOW: RuleVersion = 2;

/**
 * Beyond the budget, at most so many times the devices whose first day is over. With 20 the step after three days let out
 * 18,000 of a million devices within hours, before any of them could show a crash; with 12 it is 14,000, and the days do
 * not change. A security fix keeps the larger step. Source: docs/adr/0015-a-smaller-step-after-the-third-day.md.
 */
export const SILENCE_FACTORS: Readonly<Record<RuleVersion, Readonly<Record<Gates['profile'], number>>>> = {
  1: { careful: 20, standard: 20, fast: 20 },
  2: { careful: 12, standard: 12, fast: 20 },
};

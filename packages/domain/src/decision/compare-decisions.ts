// SPDX-License-Identifier: Apache-2.0
import { addFields, type Difference, differencesOf, type FlatFields, type Scalar } from '../kernel/difference.ts';
import type { Decision } from './decision.ts';

/** How far a figure may be from itself on another machine, relative to the larger: their logarithms differ in the last digit. */
export const FIGURE_TOLERANCE = 1e-9;
/** What the last digit of numbers near one leaves when they cancel: a figure this close to zero is zero. */
const CANCELLED = 1e-14;

/**
 * What differs between a decision as it was stored and as it is replayed: verdicts overall and of each segment, every
 * figure beyond `FIGURE_TOLERANCE`, and the exposure to the last device. The reasons are texts for people, and may be
 * worded anew.
 */
export function compareDecisions(stored: Decision, replayed: Decision): readonly Difference[] {
  return [
    ...differencesOf(flatVerdicts(stored), flatVerdicts(replayed)),
    ...differencesOf(flatFigures(stored), flatFigures(replayed), isSameFigure),
    // Decisions of before this was stated have none; their verdicts and figures are compared all the same.
    ...(stored.shown === undefined ? [] : differencesOf(flatShown(stored), flatShown(replayed), isSameFigure)),
    ...differencesOf(flatExposure(stored), flatExposure(replayed)),
  ];
}

function flatVerdicts({ rolloutId, at, overall, segments }: Decision): FlatFields {
  const flat = new Map<string, Scalar>();
  addFields(flat, 'decision', { rolloutId, at, verdict: overall.kind });
  for (const { segment, verdict } of segments) addFields(flat, `segment ${segment}`, { verdict: verdict.kind });
  return flat;
}

function flatFigures({ figures }: Decision): FlatFields {
  const flat = new Map<string, Scalar>();
  for (const { metric, segment, ...values } of figures) {
    addFields(flat, segment === undefined ? `figure ${metric} overall` : `figure ${metric} in ${segment}`, values);
  }
  return flat;
}

function flatShown({ shown = [] }: Decision): FlatFields {
  const flat = new Map<string, Scalar>();
  for (const { metric, segment, ...values } of shown) {
    addFields(flat, segment === undefined ? `shown ${metric} overall` : `shown ${metric} in ${segment}`, values);
  }
  return flat;
}

function flatExposure({ exposure }: Decision): FlatFields {
  const { segments, holdReason: _, ...overall } = exposure;
  const flat = new Map<string, Scalar>();
  addFields(flat, 'exposure', overall);
  for (const { segment, ...one } of segments) addFields(flat, `exposure of ${segment}`, one);
  return flat;
}

function isSameFigure(a: Scalar, b: Scalar): boolean {
  if (typeof a !== 'number' || typeof b !== 'number') return a === b;
  // Equal infinities have no difference that is a number.
  if (a === b) return true;
  return Math.abs(a - b) <= Math.max(CANCELLED, FIGURE_TOLERANCE * Math.max(Math.abs(a), Math.abs(b)));
}

// SPDX-License-Identifier: Apache-2.0
import { decideSafely } from '@outrider/domain/decision/replay';
import type { Oracle } from './observation.ts';

/** Figures of two machines may differ in the last digits; nothing else may. */
const TOLERANCE = 1e-9;

/** Every decision comes out again from its stored input, read from text as another program would. */
export function replayOracle(): Oracle {
  return {
    name: 'replay',
    see(observation) {
      if (observation.kind !== 'ended') return undefined;
      for (const { plan, input, decision } of observation.decisions) {
        const again = decideSafely(copyOf(plan), copyOf(input)).decision;
        const difference = differenceAt(copyOf(decision), copyOf(again), 'decision');
        if (difference !== undefined) return `${plan.rolloutId} at ${decision.at}: ${difference}`;
      }
      return undefined;
    },
  };
}

/** As it is in the store: a text. */
function copyOf<T>(value: T): T {
  return JSON.parse(JSON.stringify(value));
}

function differenceAt(first: unknown, second: unknown, path: string): string | undefined {
  if (typeof first === 'number' && typeof second === 'number') {
    const isSame = Math.abs(first - second) <= TOLERANCE * Math.max(1, Math.abs(first));
    return isSame ? undefined : `${path} was ${first}, is ${second}`;
  }
  if (!isObject(first) || !isObject(second)) {
    return first === second ? undefined : `${path} was ${String(first)}, is ${String(second)}`;
  }
  for (const name of new Set([...Object.keys(first), ...Object.keys(second)])) {
    const difference = differenceAt(first[name], second[name], `${path}.${name}`);
    if (difference !== undefined) return difference;
  }
  return undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

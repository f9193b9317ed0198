// SPDX-License-Identifier: Apache-2.0
import { hours } from '../kernel/time.ts';
import type { Gates, Wave } from './rollout.ts';

/** One hour: long enough to install at once, short enough that a pause is soon true on the device as well. */
export const PERMIT_LIFE_MS_DEFAULT = hours(1);

/** The gates of design/decision.md: weights sum to 1, one false halt in a hundred rollouts. */
export function defaultGates(): Gates {
  return {
    alpha: 0.01,
    profile: 'standard',
    metrics: [
      { kind: 'base', metric: 'revert', weight: 0.25, baseRate: 0.0005, windowMs: hours(1), onCross: 'halt' },
      { kind: 'base', metric: 'install', weight: 0.05, baseRate: 0.01, windowMs: hours(1), onCross: 'pause' },
      { kind: 'coin', metric: 'silent24', weight: 0.15, tolerance: 1.03, windowMs: hours(24), onCross: 'halt' },
      { kind: 'coin', metric: 'silent72', weight: 0.15, tolerance: 1.05, windowMs: hours(72), onCross: 'halt' },
      { kind: 'coin', metric: 'silent168', weight: 0.1, tolerance: 1.1, windowMs: hours(168), onCross: 'halt' },
      { kind: 'coin', metric: 'crash24', weight: 0.2, tolerance: 1.1, windowMs: hours(24), onCross: 'halt' },
      { kind: 'coin', metric: 'sensor24', weight: 0.1, tolerance: 1.1, windowMs: hours(24), onCross: 'halt' },
    ],
  };
}

/** Own devices first, then 1, 10, 50 and 100 % of the audience; each bakes long enough to hear what the last one did. */
export function defaultWaves(): readonly Wave[] {
  return [
    { name: 'ring', ringTags: ['dogfood'], exposurePermille: 0, bakeMs: hours(2) },
    { name: 'canary', ringTags: [], exposurePermille: 10, bakeMs: hours(6) },
    { name: 'tenth', ringTags: [], exposurePermille: 100, bakeMs: hours(24) },
    { name: 'half', ringTags: [], exposurePermille: 500, bakeMs: hours(24) },
    { name: 'everyone', ringTags: [], exposurePermille: 1_000, bakeMs: hours(0) },
  ];
}

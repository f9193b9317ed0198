// SPDX-License-Identifier: Apache-2.0
import type { Funnel } from '@outrider/domain/decision/overview';
import type { Tone } from './words.ts';

/** One row of the way of a rollout: how many devices came so far. */
export interface FunnelStep {
  readonly name: string;
  readonly explanation: string;
  readonly devices: number;
  /** What the share is of. */
  readonly of: number;
  readonly tone: Tone;
}

/** The way of a release through the fleet, each step a part of the one it is a share of. */
export function funnelSteps(funnel: Funnel): readonly FunnelStep[] {
  const { population, mayDownload, permitted, underWay, verified, reverted, installFailed } = funnel;
  return [
    step('Offered', 'may download ahead', [Math.min(mayDownload, population), population], 'calm'),
    step('Permitted', 'may install now', [permitted, population], 'calm'),
    step('Under way', 'permitted, no end heard', [underWay, permitted], 'calm'),
    step('Verified', 'booted it, confirmed, still runs it', [verified, permitted], 'good'),
    step('Reverted', 'fell back to the old slot by itself', [reverted, permitted], 'stop'),
    step('Failed', 'could not install', [installFailed, permitted], 'stop'),
  ];
}

/** How the bar of a rollout is divided: parts of the population that add up to at most all of it. */
export function funnelParts(
  funnel: Funnel,
): readonly { readonly tone: Tone; readonly name: string; readonly permille: number }[] {
  const { population, verified, reverted, installFailed, underWay } = funnel;
  const whole = Math.max(population, verified + reverted + installFailed + underWay, 1);
  const part = (tone: Tone, name: string, devices: number) => ({
    tone,
    name,
    permille: Math.round((devices / whole) * 1_000),
  });
  return [
    part('good', 'verified', verified),
    part('calm', 'under way', underWay),
    part('stop', 'reverted or failed', reverted + installFailed),
  ];
}

function step(name: string, explanation: string, [devices, of]: readonly [number, number], tone: Tone): FunnelStep {
  return { name, explanation, devices, of, tone: devices === 0 && tone === 'stop' ? 'quiet' : tone };
}

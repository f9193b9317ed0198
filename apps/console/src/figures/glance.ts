// SPDX-License-Identifier: Apache-2.0
import type { RolloutOverview } from '@outrider/domain/decision/overview';
import type { Overview } from '@outrider/protocol/decision/overview';
import { countText } from './format.ts';
import type { Tone } from './words.ts';

/** The answer to "must I do something?", in one sentence and what it rests on. */
export interface Glance {
  readonly tone: Tone;
  readonly headline: string;
  /** Things a person should know, worst first; each may lead to a rollout. */
  readonly notes: readonly GlanceNote[];
}

export interface GlanceNote {
  readonly tone: Tone;
  readonly text: string;
  readonly rolloutId?: string;
  /** Fleet time since which it is so. */
  readonly since?: number;
}

/** From this share of its threshold on, evidence is worth a look before it acts. */
const NEAR_SHARE = 0.5;

/** Sums up an installation. A pause of everything outranks what single rollouts do, a halt outranks a pause. */
export function glanceOf({ pausedScopes, rollouts, vitals }: Overview): Glance {
  const notes = [
    ...pausedScopes
      .filter((scope) => scope !== 'global')
      .map((scope): GlanceNote => ({ tone: 'watch', text: `${scopeText(scope)} paused` })),
    ...rollouts.flatMap(notesOf),
    ...(vitals.database.isReachable ? [] : [{ tone: 'stop' as const, text: 'The server cannot reach its database' }]),
  ].sort((a, b) => RANK[a.tone] - RANK[b.tone]);
  const running = rollouts.filter((one) => one.state === 'running').length;
  if (pausedScopes.includes('global')) return { tone: 'watch', headline: 'Everything is paused', notes };
  const stopped = rollouts.filter((one) => one.state === 'halted' || one.state === 'rolling-back');
  if (stopped.length > 0) return { tone: 'stop', headline: stoppedText(stopped), notes };
  const halting = rollouts.filter((one) => IS_OPEN.has(one.state) && one.segments.some((segment) => segment.isHalted));
  if (halting.length > 0) return { tone: 'stop', headline: `Part of ${rolloutsText(halting.length)} is halted`, notes };
  const paused = rollouts.filter((one) => one.state === 'paused').length;
  if (paused > 0)
    return { tone: 'watch', headline: `${rolloutsText(paused)} ${paused === 1 ? 'is' : 'are'} paused`, notes };
  if (pausedScopes.length > 0) return { tone: 'watch', headline: 'Part of the fleet is paused', notes };
  if (running > 0) return { tone: 'good', headline: `${rolloutsText(running)} under way, nothing is stopped`, notes };
  return { tone: 'calm', headline: 'Quiet: no rollout is under way', notes };
}

/** `region:north` for people; the pause of everything is the headline already. */
function scopeText(scope: string): string {
  return `${scope.replace(/^region:/, 'The region ')} is`;
}

const IS_OPEN: ReadonlySet<string> = new Set(['running', 'paused']);

const RANK: Readonly<Record<Tone, number>> = { stop: 0, watch: 1, calm: 2, good: 3, quiet: 4 };

function notesOf(rollout: RolloutOverview): readonly GlanceNote[] {
  const { rolloutId, state, reason, stateSince: since } = rollout;
  const ordered = ordersText(rollout).map((text): GlanceNote => ({ tone: 'watch', rolloutId, text }));
  if (state === 'halted' || state === 'rolling-back') {
    return [{ tone: 'stop', rolloutId, since, text: reason }, ...ordered];
  }
  if (state === 'paused') return [{ tone: 'watch', rolloutId, since, text: reason }, ...ordered];
  if (state !== 'running') return [];
  const halted = rollout.segments.filter((one) => one.isHalted).map((one) => one.segment);
  const [nearest] = rollout.figures;
  const notes: GlanceNote[] = [...ordered];
  if (halted.length > 0) notes.push({ tone: 'stop', rolloutId, text: `Halted in ${halted.join(', ')}` });
  else if (nearest !== undefined && nearest.lnE >= nearest.threshold * NEAR_SHARE) {
    const where = nearest.segment === undefined ? 'overall' : `in ${nearest.segment}`;
    const share = Math.floor((nearest.lnE / nearest.threshold) * 100);
    notes.push({ tone: 'watch', rolloutId, text: `${nearest.metric} ${where}: ${share} % of the way to a halt` });
  }
  return notes;
}

/** What people have ordered or said, a sentence each: it must not be found on another page alone. */
export function ordersText({ orders }: Pick<RolloutOverview, 'orders'>): readonly string[] {
  if (orders === undefined) return [];
  const { regions, regionCount, excludedCount, flags, flagCount, driverFlagCount, limitDevices } = orders;
  const more = regionCount - regions.length;
  const names = [...regions.map((one) => one.region), ...(more > 0 ? [`${more} more`] : [])].join(', ');
  const drivers = driverFlagCount === 0 ? '' : `, ${countText(driverFlagCount)} of drivers`;
  return [
    ...(regionCount === 0 ? [] : [`Halted in ${regionCount === 1 ? 'the region' : 'the regions'} ${names}`]),
    ...(flagCount === 0
      ? []
      : [`${flagCount === 1 ? '1 flag' : `${countText(flagCount)} flags`}${drivers}: “${flags[0]?.reason ?? ''}”`]),
    ...(excludedCount === 0
      ? []
      : [
          `${countText(excludedCount)} ${excludedCount === 1 ? 'device is' : 'devices are'} not believed and in no count`,
        ]),
    ...(limitDevices === undefined ? [] : [`Held at ${countText(limitDevices)} devices by a person`]),
  ];
}

function stoppedText(stopped: readonly RolloutOverview[]): string {
  const isAllGoingBack = stopped.every((one) => one.state === 'rolling-back');
  const verb = stopped.length === 1 ? 'is' : 'are';
  return `${rolloutsText(stopped.length)} ${verb} ${isAllGoingBack ? 'being rolled back' : 'halted'}`;
}

function rolloutsText(count: number): string {
  return count === 1 ? '1 rollout' : `${countText(count)} rollouts`;
}

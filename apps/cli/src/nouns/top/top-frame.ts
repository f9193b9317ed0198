// SPDX-License-Identifier: Apache-2.0
import { cutLine, exposureBar, gaugeBar } from '@outrider/adapters/shared/text-bars';
import type { EvidenceFigure, RolloutOverview } from '@outrider/domain/decision/overview';
import { instantText } from '@outrider/domain/kernel/time';
import type { Overview, RepeatedVerdict } from '@outrider/protocol/decision/overview';
import { durationText, vitalsLines } from './vitals-lines.ts';

/** One line of a frame; the tone only repeats what its words say. */
export interface FrameLine {
  readonly text: string;
  readonly tone?: 'bad' | 'warn' | 'strong' | 'dim';
}

/** What a frame shows beside the overview. */
export interface FrameWorld {
  readonly overview: Overview | undefined;
  readonly url: string;
  /** Why what is shown is old, or there is nothing to show. */
  readonly fault?: string;
  /** The last line: what may be pressed, or what is asked. */
  readonly prompt?: string;
}

export interface FrameSize {
  readonly columns: number;
  /** Absent: as many as there is to say. */
  readonly rows?: number;
}

/** Segments and figures of one rollout on the screen: those nearest to harm, which come first. */
const SEGMENTS_SHOWN = 4;
const FIGURES_SHOWN = 3;
const DECISIONS_SHOWN = 6;
/** Narrower, a bar tells less than its numbers. */
const BAR_MIN = 10;

/** The lines of one frame, each at most as wide as the terminal: what does not fit is left out from below, and said. */
export function topFrame(world: FrameWorld, { columns, rows }: FrameSize): readonly FrameLine[] {
  const { overview, fault, prompt } = world;
  const told =
    overview === undefined
      ? [{ text: `Outrider ${world.url}`, tone: 'strong' as const }]
      : headLines(world.url, overview);
  const faults = fault === undefined ? [] : [{ text: fault, tone: 'bad' as const }];
  const head = [...told, ...faults].flatMap((line) => wrapped(line, columns));
  const body = overview === undefined ? [] : bodyLines(overview, columns);
  const foot: FrameLine[] = prompt === undefined ? [] : [{ text: '' }, { text: prompt, tone: 'strong' }];
  const room = rows === undefined ? body.length : Math.max(0, rows - head.length - foot.length);
  return [...head, ...fitted(body, room), ...foot]
    .slice(0, rows ?? Number.POSITIVE_INFINITY)
    .map(({ text, ...tone }) => ({ text: cutLine(text, columns), ...tone }));
}

/** What stands side by side on a wide terminal stands below each other on a narrow one. */
function wrapped({ text, ...tone }: FrameLine, columns: number): readonly FrameLine[] {
  const lines: string[] = [];
  for (const part of text.split(GAP)) {
    const last = lines.at(-1);
    const joined = last === undefined ? part : `${last}${GAP}${part}`;
    if (last === undefined || joined.length > columns) lines.push(part);
    else lines[lines.length - 1] = joined;
  }
  return lines.map((line) => ({ text: line, ...tone }));
}

/** A sentence over several lines, folded between words; what matters most in it may stand at its end. */
function folded({ text, ...tone }: FrameLine, columns: number): readonly FrameLine[] {
  const lines: string[] = [];
  for (const word of text.trimStart().split(' ')) {
    const last = lines.at(-1);
    if (last === undefined) lines.push(`  ${word}`);
    else if (last.length + 1 + word.length <= columns) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(`${FOLDED_INDENT}${word}`);
  }
  return lines.map((line) => ({ text: line, ...tone }));
}

/** Below the text of a rollout's lines, right of their names. */
const FOLDED_INDENT = ' '.repeat(11);

/** Between things that have nothing to do with each other. */
const GAP = '   ';

function fitted(body: readonly FrameLine[], room: number): readonly FrameLine[] {
  if (body.length <= room || room === 0) return body.slice(0, room);
  const left = body.length - room + 1;
  return [...body.slice(0, room - 1), { text: `${left} more lines; a larger terminal shows them`, tone: 'dim' }];
}

function headLines(url: string, overview: Overview): FrameLine[] {
  const clock = overview.isConducted ? 'conducted' : 'fleet time';
  const paused = overview.pausedScopes.length === 0 ? '' : `   PAUSED ${overview.pausedScopes.join(', ')}`;
  return [
    {
      text: `Outrider ${url}   ${clock} ${instantText(overview.at)}   revision ${overview.revision}${paused}`,
      tone: paused === '' ? 'strong' : 'warn',
    },
    ...vitalsLines(overview),
  ];
}

function bodyLines(overview: Overview, columns: number): readonly FrameLine[] {
  const { rollouts, rolloutCount, decisions } = overview;
  const lines: FrameLine[] = [{ text: '' }];
  if (rolloutCount === 0) lines.push({ text: 'No rollout yet', tone: 'dim' });
  const live = rollouts.filter(isLive);
  for (const [index, rollout] of live.entries()) {
    if (index > 0) lines.push({ text: '' });
    lines.push(...rolloutLines(rollout, overview, columns));
  }
  const others = rollouts.filter((one) => !isLive(one));
  if (live.length > 0 && others.length > 0) lines.push({ text: '' });
  for (const rollout of others) lines.push(oneLine(rollout));
  if (rolloutCount > rollouts.length) lines.push({ text: `and ${rolloutCount - rollouts.length} more`, tone: 'dim' });
  if (decisions.length > 0) {
    lines.push({ text: '' }, { text: 'decisions' }, ...decisions.slice(0, DECISIONS_SHOWN).map(decisionLine));
  }
  return lines;
}

/** Something still happens to these, or may at any moment. */
function isLive({ state }: RolloutOverview): boolean {
  return state === 'running' || state === 'paused' || state === 'halted' || state === 'rolling-back';
}

function rolloutLines(rollout: RolloutOverview, { at }: Overview, columns: number): readonly FrameLine[] {
  const { rolloutId, releaseId, state, stateSince, exposure, funnel, verdict } = rollout;
  const wave =
    exposure === undefined ? '' : `   wave ${exposure.waveName} (${exposure.waveNumber} of ${exposure.waveCount})`;
  const since = durationText(at - stateSince);
  const lines: FrameLine[] = [
    {
      text: `${rolloutId}   ${releaseId}   ${state} for ${since}${wave}`,
      tone: state === 'running' ? 'strong' : 'bad',
    },
  ];
  if (exposure !== undefined) {
    const { granted, cap, pi } = exposure;
    const { population } = funnel;
    const counts = `granted ${granted}  cap ${Math.min(cap, population)}  of ${population}  pi ${pi.toFixed(2)}`;
    const width = Math.max(BAR_MIN, Math.min(columns, 110) - counts.length - 15);
    lines.push({ text: `  exposure [${exposureBar({ granted, cap, population }, width)}] ${counts}` });
  }
  lines.push(...folded({ text: `  funnel   ${funnelText(rollout)}` }, columns));
  const segments = rollout.segments.slice(0, SEGMENTS_SHOWN).map(segmentText);
  const more = rollout.segmentCount - segments.length;
  if (rollout.segmentCount > 1 || rollout.segments.some((one) => one.isHalted)) {
    const rest = more > 0 ? `, ${more} more` : '';
    const tone = rollout.segments.some((one) => one.isHalted) ? ({ tone: 'bad' } as const) : {};
    lines.push({ text: `  segments ${segments.join(', ')}${rest}`, ...tone });
  }
  // A bar of nothing tells nothing: of evidence for no harm at all the nearest is enough.
  const figures = rollout.figures.filter(({ lnE }, index) => index === 0 || lnE > 0).slice(0, FIGURES_SHOWN);
  for (const figure of figures) lines.push(figureLine(figure, columns));
  if (verdict !== undefined) lines.push(...folded(verdictLine(rollout), columns));
  return lines;
}

function funnelText({ funnel }: RolloutOverview): string {
  const { population, mayDownload, permitted, underWay, verified, reverted, installFailed, arms } = funnel;
  const control = arms.find((one) => one.arm === 'control')?.enrolled ?? 0;
  const steps = `${population} > ${mayDownload} may download > ${permitted} permitted > ${verified} verified`;
  const aside = `${underWay} under way, ${reverted} reverted, ${installFailed} failed, ${control} in control`;
  return `${steps}   (${aside})`;
}

function segmentText(one: RolloutOverview['segments'][number]): string {
  return `${one.segment} ${one.granted}/${Math.min(one.cap, one.population)} of ${one.population}${one.isHalted ? ' HALTED' : ''}`;
}

function figureLine({ metric, segment, lnE, threshold }: EvidenceFigure, columns: number): FrameLine {
  const isOver = lnE >= threshold;
  const width = Math.max(BAR_MIN, Math.min(columns, 110) - 51);
  const bar = gaugeBar(lnE, threshold, width);
  const name = `  ${metric.padEnd(9)} ${(segment ?? 'overall').slice(0, 12).padEnd(12)}`;
  const text = `${name} [${bar}] ${lnE.toFixed(1).padStart(6)} of ${threshold.toFixed(1).padStart(5)} ${isOver ? 'OVER' : ''}`;
  return { text, ...(isOver ? { tone: 'bad' as const } : {}) };
}

function verdictLine({ verdict, exposure, state, reason }: RolloutOverview): FrameLine {
  const hold = state === 'running' ? exposure?.holdReason : reason;
  const kind = verdict?.kind ?? 'none';
  const isStop = kind === 'halt' || kind === 'pause';
  const tone = isStop ? 'bad' : kind === 'hold' ? 'warn' : undefined;
  return { text: `  verdict  ${kind}: ${hold ?? verdict?.reason ?? ''}`, ...(tone === undefined ? {} : { tone }) };
}

/** A rollout that nothing happens to. */
function oneLine({ rolloutId, releaseId, state, funnel, reason }: RolloutOverview): FrameLine {
  const reached = funnel.population === 0 ? '' : `   ${funnel.verified} verified of ${funnel.population}`;
  return { text: `${rolloutId}   ${releaseId}   ${state}${reached}   ${reason}`, tone: 'dim' };
}

function decisionLine({ rolloutId, at, kind, reason, count }: RepeatedVerdict): FrameLine {
  const times = count > 1 ? ` (${count} times)` : '';
  const isStop = kind === 'halt' || kind === 'pause';
  const text = `  ${instantText(at)}  ${rolloutId}  ${kind}${times}: ${reason}`;
  return { text, ...(isStop ? { tone: 'bad' as const } : {}) };
}

// SPDX-License-Identifier: Apache-2.0
import type { EvidenceFigure } from '@outrider/domain/decision/overview';
import type { Evidence } from '@outrider/domain/evidence/evidence';
import type { Tone } from './words.ts';

/** One metric in one place, with the counts that it was made from. */
export interface EvidenceRow {
  readonly figure: EvidenceFigure;
  /** Of the threshold, 0 to 1000: what the bar shows. Evidence for the release is an empty bar. */
  readonly permille: number;
  readonly isOver: boolean;
  readonly tone: Tone;
  readonly treated?: Counts;
  /** Absent for what only an installing device can do. */
  readonly control?: Counts;
}

/** Outcomes that are known, and harm among them. */
export interface Counts {
  readonly events: number;
  readonly closed: number;
}

/** From here on the bar says that it is worth a look. */
const NEAR_PERMILLE = 500;
const FULL_PERMILLE = 1_000;

/** Joins figures with the counts behind them, in the order of the figures. */
export function evidenceRows(
  figures: readonly EvidenceFigure[],
  evidence: Evidence | undefined,
): readonly EvidenceRow[] {
  return figures.map((figure) => {
    const permille = permilleOf(figure);
    const isOver = figure.lnE >= figure.threshold;
    const treated = evidence === undefined ? undefined : countsOf(evidence, figure, 'treated');
    const control = evidence === undefined ? undefined : countsOf(evidence, figure, 'control');
    return {
      figure,
      permille,
      isOver,
      tone: toneOf(permille, isOver),
      ...(treated === undefined ? {} : { treated }),
      ...(control === undefined ? {} : { control }),
    };
  });
}

/** How far the evidence is on its way to the threshold; below nothing it is nothing. */
export function permilleOf({ lnE, threshold }: EvidenceFigure): number {
  if (threshold <= 0) return lnE >= threshold ? FULL_PERMILLE : 0;
  return Math.round(Math.min(1, Math.max(0, lnE / threshold)) * FULL_PERMILLE);
}

function toneOf(permille: number, isOver: boolean): Tone {
  if (isOver) return 'stop';
  return permille >= NEAR_PERMILLE ? 'watch' : 'calm';
}

function countsOf(
  evidence: Evidence,
  { metric, segment }: EvidenceFigure,
  arm: 'treated' | 'control',
): Counts | undefined {
  const isHere = (one: { readonly segment: string }) => segment === undefined || one.segment === segment;
  if (metric === 'revert' || metric === 'install') {
    if (arm === 'control') return undefined;
    return sum(evidence.base.filter((one) => one.metric === metric && isHere(one)));
  }
  return sum(evidence.closed.filter((one) => one.metric === metric && one.arm === arm && isHere(one)));
}

function sum(counts: readonly Counts[]): Counts {
  return counts.reduce<Counts>((all, one) => ({ events: all.events + one.events, closed: all.closed + one.closed }), {
    events: 0,
    closed: 0,
  });
}

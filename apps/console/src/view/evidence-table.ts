// SPDX-License-Identifier: Apache-2.0
import type { Drift } from '@outrider/domain/decision/base-rates/drift';
import type { EvidenceFigure } from '@outrider/domain/decision/overview';
import type { Evidence } from '@outrider/domain/evidence/evidence';
import { createElement as h, type ReactElement, useState } from 'react';
import { type Counts, type EvidenceRow, evidenceRows } from '../figures/evidence-rows.ts';
import { countText, rateText } from '../figures/format.ts';
import { metricText, type Word } from '../figures/words.ts';
import { Badge, Bar, Empty } from './pieces.ts';

/** What fits on a screen beside its curve; what has reached its threshold is always among them. */
const SHOWN_FIRST = 8;

/** Each metric in each place against its threshold, the nearest first, with the counts behind it. */
export function EvidenceTable(props: {
  readonly figures: readonly EvidenceFigure[];
  readonly figureCount: number;
  readonly evidence?: Evidence;
}): ReactElement {
  const [isWhole, setWhole] = useState(false);
  const all = evidenceRows(props.figures, props.evidence);
  const rows = isWhole ? all : all.filter((row, index) => row.isOver || index < SHOWN_FIRST);
  if (rows.length === 0) return h(Empty, {}, 'Nothing has been counted yet.');
  const left = ['Metric', 'Where', 'To the threshold'];
  const right = ['ln E', 'Threshold', 'Treated', 'Control', 'Harm at most'];
  return h(
    'div',
    { className: 'scroll', tabIndex: 0, role: 'group', 'aria-label': 'Evidence by metric' },
    h(
      'table',
      { className: 'evidence' },
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          ...left.map((name) => h('th', { key: name, scope: 'col' }, name)),
          ...right.map((name) => h('th', { key: name, scope: 'col', className: 'right' }, name)),
        ),
      ),
      h('tbody', {}, ...rows.map((row) => h(Row, { key: `${row.figure.metric} ${row.figure.segment ?? ''}`, row }))),
    ),
    all.length > rows.length
      ? h(
          'button',
          { type: 'button', className: 'more', onClick: () => setWhole(true) },
          `Show ${countText(all.length - rows.length)} more, farther from their thresholds`,
        )
      : null,
    isWhole && props.figureCount > all.length
      ? h('p', { className: 'hint' }, `and ${countText(props.figureCount - all.length)} that are farther still`)
      : null,
  );
}

function Row({ row }: { readonly row: EvidenceRow }): ReactElement {
  const { figure, permille, isOver, tone, treated, control } = row;
  const cells = [
    figure.lnE.toFixed(2),
    figure.threshold.toFixed(2),
    countsText(treated),
    countsText(control),
    figure.harmUpper >= 1 ? 'unknown' : rateText(figure.harmUpper),
  ];
  return h(
    'tr',
    { className: isOver ? 'over' : '' },
    h('th', { scope: 'row' }, metricText(figure.metric)),
    h('td', { className: figure.segment === undefined ? '' : 'id' }, figure.segment ?? 'overall'),
    h(
      'td',
      { className: 'wide' },
      h(Bar, { label: `${Math.round(permille / 10)} % of the way`, parts: [{ tone, permille }] }),
      isOver ? h('span', { className: 'over-word' }, 'reached') : null,
    ),
    ...cells.map((text, index) => h('td', { key: `${index}`, className: 'right number' }, text)),
  );
}

/** `2 of 6`: harmed of those whose outcome is known. */
function countsText(counts: Counts | undefined): string {
  return counts === undefined ? '–' : `${countText(counts.events)} of ${countText(counts.closed)}`;
}

/** How near devices have come to the base rates that the plan declared. */
export function DriftTable({ drifts }: { readonly drifts: readonly Drift[] }): ReactElement | null {
  if (drifts.length === 0) return null;
  return h(
    'div',
    { className: 'drift' },
    h('h3', {}, 'Base rates'),
    h(
      'div',
      { className: 'scroll', tabIndex: 0, role: 'group', 'aria-label': 'Base rates' },
      h(
        'table',
        {},
        h(
          'thead',
          {},
          h(
            'tr',
            {},
            ...['Metric', 'State'].map((name) => h('th', { key: name, scope: 'col' }, name)),
            ...['Declared p0', 'Mean so far', 'Worst stretch', 'Between'].map((name) =>
              h('th', { key: name, scope: 'col', className: 'right' }, name),
            ),
          ),
        ),
        h(
          'tbody',
          {},
          ...drifts.map((one) =>
            h(
              'tr',
              { key: one.metric },
              h('th', { scope: 'row' }, metricText(one.metric)),
              h('td', {}, h(Badge, LEVELS[one.level])),
              ...[
                rateText(one.baseRate),
                rateText(one.observed),
                rateText(one.worst),
                `${rateText(one.worstLower)} and ${rateText(one.worstUpper)}`,
              ].map((text, index) => h('td', { key: `${index}`, className: 'right number' }, text)),
            ),
          ),
        ),
      ),
    ),
  );
}

const LEVELS: Readonly<Record<Drift['level'], Word>> = {
  calm: { word: 'Calm', tone: 'good' },
  near: { word: 'Near', tone: 'watch' },
  over: { word: 'Over', tone: 'stop' },
  unknown: { word: 'Unknown', tone: 'quiet' },
};

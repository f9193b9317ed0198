// SPDX-License-Identifier: Apache-2.0
import type { SegmentOverview } from '@outrider/domain/decision/overview';
import { createElement as h, type ReactElement } from 'react';
import { countText } from '../figures/format.ts';
import { Badge, Bar } from './pieces.ts';

/** How much is open in each segment; halted ones first. */
export function SegmentTable(props: {
  readonly segments: readonly SegmentOverview[];
  readonly segmentCount: number;
  /** Whether the rollout itself gives permits: a segment is never open where it does not. */
  readonly isRunning: boolean;
}): ReactElement | null {
  const { segments, segmentCount, isRunning } = props;
  if (segments.length === 0) return null;
  return h(
    'div',
    { className: 'scroll', tabIndex: 0, role: 'group', 'aria-label': 'Exposure by segment' },
    h(
      'table',
      {},
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          ...['Segment', 'State', 'Of its cap'].map((name) => h('th', { key: name, scope: 'col' }, name)),
          ...['Permitted', 'Cap', 'Devices'].map((name) =>
            h('th', { key: name, scope: 'col', className: 'right' }, name),
          ),
        ),
      ),
      h('tbody', {}, ...segments.map((one) => h(SegmentRow, { key: one.segment, one, isRunning }))),
    ),
    segmentCount > segments.length
      ? h('p', { className: 'hint' }, `and ${countText(segmentCount - segments.length)} more segments`)
      : null,
  );
}

function SegmentRow({ one, isRunning }: { readonly one: SegmentOverview; readonly isRunning: boolean }): ReactElement {
  const cap = Math.min(one.cap, one.population);
  const tone = one.isHalted ? 'stop' : 'calm';
  const standing = one.isHalted
    ? ({ word: 'Halted', tone: 'stop' } as const)
    : ({ word: isRunning ? 'Open' : 'Closed', tone: 'calm' } as const);
  const permille = cap === 0 ? 0 : Math.min(1_000, Math.round((one.granted / cap) * 1_000));
  return h(
    'tr',
    {},
    h('th', { scope: 'row', className: 'id' }, one.segment),
    h('td', {}, h(Badge, standing)),
    h('td', { className: 'wide' }, h(Bar, { label: `${one.granted} of ${cap}`, parts: [{ tone, permille }] })),
    ...[one.granted, cap, one.population].map((devices, index) =>
      h('td', { key: `${index}`, className: 'right number' }, countText(devices)),
    ),
  );
}

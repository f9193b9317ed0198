// SPDX-License-Identifier: Apache-2.0
import type { DecisionPoint } from '@outrider/domain/decision/history';
import { createElement as h, type ReactElement } from 'react';
import { evidenceCurves, exposureCurves, type Fleet } from '../figures/chart-series.ts';
import { countText } from '../figures/format.ts';
import { Chart } from './chart.ts';
import { Empty } from './pieces.ts';

/** Fewer make no curve. */
const POINTS_MIN = 2;

/** Permits and cap over fleet time. */
export function ExposureChart(props: {
  readonly points: readonly DecisionPoint[];
  readonly fleet: Fleet;
}): ReactElement {
  const { points, fleet } = props;
  const { population } = fleet;
  if (points.length < POINTS_MIN) return h(NoCurve);
  const newest = points.at(-1);
  const label = `Permitted devices and the cap over time; now ${countText(newest?.granted ?? 0)} of ${countText(Math.min(newest?.cap ?? 0, population))}`;
  return h(Chart, { data: exposureCurves(points, fleet), label, valueText: countText, isStepped: true });
}

/** How far each of the nearest metrics came on the way to its threshold. */
export function EvidenceChart({ points }: { readonly points: readonly DecisionPoint[] }): ReactElement {
  if (points.length < POINTS_MIN) return h(NoCurve);
  return h(Chart, {
    data: evidenceCurves(points),
    label: 'Evidence over time as a share of the threshold, for the metrics that came nearest',
    valueText: percentText,
    limit: { at: 1, name: 'Threshold' },
    isStepped: true,
  });
}

function NoCurve(): ReactElement {
  return h('div', { className: 'chart chart-empty' }, h(Empty, {}, 'A curve needs two decisions.'));
}

function percentText(share: number): string {
  return `${Math.round(share * 100)} %`;
}

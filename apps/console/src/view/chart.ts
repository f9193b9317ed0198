// SPDX-License-Identifier: Apache-2.0
import { createElement as h, type ReactElement, useEffect, useRef, useState } from 'react';
import type UPlot from 'uplot';
import type { ChartData } from '../figures/chart-series.ts';
import { instantText, type Zone } from '../figures/format.ts';
import { useZone } from '../world.ts';

export interface ChartProps {
  readonly data: ChartData;
  /** What a person who does not see the chart is told. */
  readonly label: string;
  readonly valueText: (value: number) => string;
  /** A line that no curve should reach. */
  readonly limit?: { readonly at: number; readonly name: string };
  /** Values hold until the next one. */
  readonly isStepped: boolean;
}

const HEIGHT_PX = 220;
const AXIS_PX = 56;
/** Told apart by dashes as well as by colour. */
const DASHES: readonly (readonly number[])[] = [[], [7, 4], [2, 3], [10, 3, 2, 3], [1, 5]];

/** Curves over fleet time; point at one to read it. */
export function Chart(props: ChartProps): ReactElement {
  const { data, label, limit } = props;
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot>(undefined);
  const zone = useZone();
  const names = data.curves.map((one) => one.name).join('\n');
  const columns = columnsOf(data, limit?.at);

  const [isUnable, setUnable] = useState(false);

  // A new plot only for other curves, another zone or other colours: new points move the plot that is there.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the texts stand for what the plot is made from
  useEffect(() => {
    const own = host.current;
    if (own === null) return undefined;
    let isGone = false;
    let Plot: Plotter | undefined;
    const dark = matchMedia('(prefers-color-scheme: dark)');
    function draw(): void {
      plot.current?.destroy();
      if (own !== null && Plot !== undefined)
        plot.current = new Plot(optionsOf(props, own, { zone, Plot }), columns, own);
    }
    void loadPlotter().then((loaded) => {
      if (isGone) return;
      Plot = loaded;
      setUnable(loaded === undefined);
      draw();
    });
    dark.addEventListener('change', draw);
    const sizes = new ResizeObserver(() => plot.current?.setSize({ width: own.clientWidth, height: HEIGHT_PX }));
    sizes.observe(own);
    return () => {
      isGone = true;
      sizes.disconnect();
      dark.removeEventListener('change', draw);
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, [names, zone]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another answer of the server is another object
  useEffect(() => plot.current?.setData(columns), [data]);

  if (isUnable) return h('div', { className: 'chart chart-empty' }, 'This browser cannot draw the curves.');
  return h('div', { className: 'chart', ref: host, role: 'img', 'aria-label': label });
}

type Plotter = typeof UPlot;

/**
 * Loaded when the first curve is drawn. It throws a RangeError in a browser whose language has no name that Intl knows (a
 * locale of POSIX): the page must live without curves then.
 */
async function loadPlotter(): Promise<Plotter | undefined> {
  try {
    return (await import('uplot')).default;
  } catch (cause) {
    if (cause instanceof RangeError || cause instanceof TypeError) return undefined;
    throw cause;
  }
}

function columnsOf({ timesS, curves }: ChartData, limit: number | undefined): UPlot.AlignedData {
  const line = limit === undefined ? [] : [timesS.map(() => limit)];
  // uPlot wants lists that it could write to, and does not.
  return [timesS, ...curves.map((one) => one.values), ...line] as unknown as UPlot.AlignedData;
}

function optionsOf(
  { data, valueText, limit, isStepped }: ChartProps,
  host: HTMLElement,
  { zone, Plot }: { readonly zone: Zone; readonly Plot: Plotter },
): UPlot.Options {
  const style = getComputedStyle(host);
  const ink = style.getPropertyValue('--ink-quiet').trim();
  const grid = { stroke: style.getPropertyValue('--line').trim(), width: 1 };
  const paths = isStepped ? Plot.paths.stepped?.({ align: 1 }) : undefined;
  const curves = data.curves.map(
    ({ name }, index): UPlot.Series => ({
      label: name,
      stroke: style.getPropertyValue(`--curve-${(index % DASHES.length) + 1}`).trim(),
      width: 2,
      dash: [...(DASHES[index % DASHES.length] ?? [])],
      value: (_, value) => (value === null || value === undefined ? '–' : valueText(value)),
      points: { show: false },
      ...(paths === undefined ? {} : { paths }),
    }),
  );
  const limits: readonly UPlot.Series[] =
    limit === undefined
      ? []
      : [
          {
            label: limit.name,
            stroke: style.getPropertyValue('--stop').trim(),
            width: 1.5,
            points: { show: false },
            value: () => valueText(limit.at),
          },
        ];
  return {
    width: host.clientWidth,
    height: HEIGHT_PX,
    tzDate: (seconds) =>
      zone === 'utc' ? Plot.tzDate(new Date(seconds * 1_000), 'Etc/UTC') : new Date(seconds * 1_000),
    cursor: { drag: { x: false, y: false } },
    scales: { y: { range: (_, __, max) => [0, Math.max(max, limit?.at ?? 1) * 1.06] } },
    axes: [
      { stroke: ink, grid, ticks: grid, values: AXIS_TIMES },
      { stroke: ink, grid, ticks: grid, size: AXIS_PX, values: (_, values) => values.map(valueText) },
    ],
    series: [
      { label: 'At', value: (_, seconds) => (seconds === null ? '–' : instantText(seconds * 1_000, zone)) },
      ...curves,
      ...limits,
    ],
  };
}

const HOUR_S = 3_600;
const DAY_S = 24 * HOUR_S;
/** From the largest step down: what stands at each tick, and below the first one of a day. */
const AXIS_TIMES: UPlot.Axis.DynamicValues | (string | number | null)[][] = [
  [365 * DAY_S, '{YYYY}', null, null, null, null, null, null, 1],
  [28 * DAY_S, '{YYYY}-{MM}', null, null, null, null, null, null, 1],
  [DAY_S, '{MM}-{DD}', '\n{YYYY}', null, null, null, null, null, 1],
  [HOUR_S, '{HH}:{mm}', '\n{YYYY}-{MM}-{DD}', null, '\n{MM}-{DD}', null, null, null, 1],
  [60, '{HH}:{mm}', '\n{YYYY}-{MM}-{DD}', null, '\n{MM}-{DD}', null, null, null, 1],
  [1, '{HH}:{mm}:{ss}', '\n{YYYY}-{MM}-{DD}', null, '\n{MM}-{DD}', null, null, null, 1],
];

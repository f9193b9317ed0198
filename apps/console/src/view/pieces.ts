// SPDX-License-Identifier: Apache-2.0
import { createElement as h, type ReactElement, type ReactNode } from 'react';
import { instantText, isoText, zoneText } from '../figures/format.ts';
import type { Tone, Word } from '../figures/words.ts';
import { useZone } from '../world.ts';

/** A state as shape and word; colour repeats what they say. */
export function Badge({ word, tone }: Word): ReactElement {
  return h('span', { className: `badge tone-${tone}` }, h(Mark, { tone }), word);
}

/** A shape of its own for each tone, for those who see no colours; drawn, since not every font has such signs. */
export function Mark({ tone }: { readonly tone: Tone }): ReactElement {
  return h('svg', { className: 'mark', viewBox: '0 0 10 10', 'aria-hidden': true }, h('path', { d: SHAPES[tone] }));
}

const SHAPES: Readonly<Record<Tone, string>> = {
  calm: 'M2 1 L9 5 L2 9 Z',
  good: 'M0.6 5.4 L2 4 L4 6 L8 1.6 L9.4 3 L4 8.6 Z',
  watch: 'M1.5 1 H4 V9 H1.5 Z M6 1 H8.5 V9 H6 Z',
  stop: 'M1 1 H9 V9 H1 Z',
  quiet: 'M3 5 A2 2 0 1 0 7 5 A2 2 0 1 0 3 5 Z',
};

/** An instant, exact for machines too. */
export function Instant({ at }: { readonly at: number }): ReactElement {
  const zone = useZone();
  return h('time', { className: 'number', dateTime: isoText(at), title: zoneText(at, zone) }, instantText(at, zone));
}

/** A titled part of the page; the title names it for screen readers as well. */
export function Section(props: {
  readonly id: string;
  readonly title: string;
  readonly hint?: string;
  readonly className?: string;
  readonly children?: ReactNode;
}): ReactElement {
  const { id, title, hint, className, children } = props;
  return h(
    'section',
    { className: `card ${className ?? ''}`, 'aria-labelledby': id },
    h(
      'header',
      { className: 'card-head' },
      h('h2', { id }, title),
      hint === undefined ? null : h('p', { className: 'hint' }, hint),
    ),
    children,
  );
}

/** A bar of a whole, as text for those who do not see it. SVG attributes need no style rules that the policy forbids. */
export function Bar(props: {
  readonly label: string;
  readonly parts: readonly { readonly tone: Tone; readonly permille: number }[];
  /** Lines across the bar, for example the cap. */
  readonly ticks?: readonly number[];
}): ReactElement {
  let from = 0;
  const rects = props.parts.map(({ tone, permille }, index) => {
    const x = from;
    from += permille;
    // Whatever is there at all must be seen.
    const width = permille === 0 ? 0 : Math.max(permille, SEEN_PERMILLE_MIN);
    return h('rect', { key: `${index}`, className: `fill-${tone}`, x, y: 0, width, height: 10 });
  });
  const ticks = (props.ticks ?? []).map((at, index) =>
    h('line', {
      key: `${index}`,
      className: 'tick',
      x1: at,
      x2: at,
      y1: 0,
      y2: 10,
      vectorEffect: 'non-scaling-stroke',
    }),
  );
  return h(
    'svg',
    { className: 'bar', viewBox: '0 0 1000 10', preserveAspectRatio: 'none', role: 'img', 'aria-label': props.label },
    h('rect', { className: 'track', x: 0, y: 0, width: 1_000, height: 10 }),
    ...rects,
    ...ticks,
  );
}

/** Six thousandths: three pixels of a bar of 500. */
const SEEN_PERMILLE_MIN = 6;

/** A figure with its name and unit. */
export function Stat(props: { readonly name: string; readonly value: string; readonly detail?: string }): ReactElement {
  return h(
    'div',
    { className: 'stat' },
    h('dt', {}, props.name),
    h(
      'dd',
      {},
      h('span', { className: 'stat-value number' }, props.value),
      props.detail === undefined ? null : h('span', { className: 'stat-detail' }, props.detail),
    ),
  );
}

export function Empty({ children }: { readonly children?: ReactNode }): ReactElement {
  return h('p', { className: 'empty' }, children);
}

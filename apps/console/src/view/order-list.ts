// SPDX-License-Identifier: Apache-2.0
import type { OrdersOverview } from '@outrider/domain/decision/overview-orders';
import { createElement as h, type ReactElement } from 'react';
import { countText } from '../figures/format.ts';
import { ordersText } from '../figures/glance.ts';
import { Badge, Instant, Section } from './pieces.ts';

/** What people have ordered or said about a rollout; nothing at all while nobody has. */
export function OrderList({ orders }: { readonly orders: OrdersOverview | undefined }): ReactElement | null {
  if (orders === undefined) return null;
  const { regions, flags, flagCount } = orders;
  return h(
    Section,
    {
      id: 'orders',
      title: 'What people have ordered and said',
      hint: 'none of it is evidence: it moves no figure below',
    },
    h(
      'ul',
      { className: 'orders' },
      ...ordersText({ orders }).map((text) => h('li', { key: text, className: 'note tone-watch' }, text)),
    ),
    regions.length === 0
      ? null
      : h(
          'table',
          {},
          h('thead', {}, h('tr', {}, h('th', {}, 'halted region'), h('th', {}, 'devices'), h('th', {}, 'goes back'))),
          h(
            'tbody',
            {},
            ...regions.map(({ region, population, isRollingBack }) =>
              h(
                'tr',
                { key: region },
                h('td', { className: 'id' }, region),
                h('td', { className: 'number' }, countText(population)),
                h('td', {}, isRollingBack ? 'yes' : 'no'),
              ),
            ),
          ),
        ),
    flags.length === 0
      ? null
      : h(
          'ul',
          { className: 'decisions' },
          ...flags.map(({ severity, at, by, reason, deviceId, region }, index) =>
            h(
              'li',
              { key: `${index}` },
              h(Badge, { word: severity, tone: severity === 'safety' ? 'watch' : 'quiet' }),
              ' ',
              reason,
              h(
                'span',
                { className: 'quiet' },
                ` by ${deviceId === undefined ? by : `the driver of ${deviceId}`}`,
                region === undefined ? '' : `, about ${region}`,
                ', ',
                h(Instant, { at }),
              ),
            ),
          ),
        ),
    flagCount > flags.length
      ? h('p', { className: 'hint' }, `the newest ${flags.length} of ${countText(flagCount)} flags`)
      : null,
  );
}

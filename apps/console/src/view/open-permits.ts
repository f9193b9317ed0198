// SPDX-License-Identifier: Apache-2.0
import type { OpenPermit } from '@outrider/domain/gateway/ports';
import { createElement as h, type ReactElement } from 'react';
import { countText } from '../figures/format.ts';
import { Empty, Instant } from './pieces.ts';

/** More than this nobody reads; the command line lists them all. */
const SHOWN_MAX = 100;

/** Devices that may still install, the first to expire first. */
export function OpenPermitList({ permits }: { readonly permits: readonly OpenPermit[] }): ReactElement {
  if (permits.length === 0) return h(Empty, {}, 'No device holds a permit.');
  const shown = [...permits].sort((a, b) => a.expiresAt - b.expiresAt).slice(0, SHOWN_MAX);
  return h(
    'div',
    { className: 'scroll', tabIndex: 0, role: 'group', 'aria-label': 'Devices that hold a permit' },
    h(
      'table',
      {},
      h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'Device'), h('th', { scope: 'col' }, 'Permit until'))),
      h(
        'tbody',
        {},
        ...shown.map((one) =>
          h(
            'tr',
            { key: one.permitId },
            h('td', { className: 'id' }, one.deviceId),
            h('td', {}, h(Instant, { at: one.expiresAt })),
          ),
        ),
      ),
    ),
    permits.length > SHOWN_MAX
      ? h('p', { className: 'hint' }, `and ${countText(permits.length - SHOWN_MAX)} more`)
      : null,
  );
}

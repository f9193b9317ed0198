// SPDX-License-Identifier: Apache-2.0
import type { RepeatedVerdict } from '@outrider/protocol/decision/overview';
import { createElement as h, type ReactElement } from 'react';
import { countText } from '../figures/format.ts';
import { verdictWord } from '../figures/words.ts';
import { rolloutHref } from './overview-page.ts';
import { Badge, Empty, Instant } from './pieces.ts';

/** What a person reads at once; the command line lists all. */
const SHOWN_MAX = 12;

/** What the rule said, in its own plain words; what it said many times in a row is one row. */
export function DecisionList(props: {
  readonly decisions: readonly RepeatedVerdict[];
  readonly isNamed: boolean;
}): ReactElement {
  const shown = props.decisions.slice(0, SHOWN_MAX);
  if (shown.length === 0) return h(Empty, {}, 'Nothing has been decided yet.');
  return h(
    'ol',
    { className: 'decisions' },
    ...shown.map((one) =>
      h(
        'li',
        { key: `${one.rolloutId} ${one.since} ${one.kind}` },
        h(Instant, { at: one.at }),
        h(Badge, verdictWord(one.kind)),
        h(
          'span',
          { className: 'decision-reason' },
          props.isNamed ? h('a', { className: 'id', href: rolloutHref(one.rolloutId) }, one.rolloutId) : null,
          props.isNamed ? ' ' : null,
          one.reason,
          one.count > 1
            ? h('span', { className: 'quiet' }, ` ${countText(one.count)} times since `, h(Instant, { at: one.since }))
            : null,
        ),
      ),
    ),
  );
}

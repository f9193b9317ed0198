// SPDX-License-Identifier: Apache-2.0
import { describeAudience } from '@outrider/domain/policy/audience-match';
import {
  describeFreezeTimes,
  type Exclusion,
  type Freeze,
  freezeEndsAt,
  isExclusionTime,
  isFreezeTime,
} from '@outrider/domain/policy/freeze';
import { createElement as h, type ReactElement } from 'react';
import { Badge, Instant, Section } from './pieces.ts';

/** What holds over all rollouts by order of people; nothing at all where nobody has ordered anything. */
export function StandingOrderList(props: {
  readonly freezes: readonly Freeze[];
  readonly exclusions: readonly Exclusion[];
  readonly now: Parameters<typeof isFreezeTime>[1];
}): ReactElement | null {
  const { freezes, exclusions, now } = props;
  const shown = [
    ...freezes.map((one) => freezeRow(one, now)),
    ...exclusions.filter((one) => isExclusionTime(one, now)).map(exclusionRow),
  ];
  if (shown.length === 0) return null;
  return h(
    Section,
    { id: 'standing-orders', title: 'Freezes and exclusions', hint: 'over all rollouts; the way back is not held up' },
    h('ul', { className: 'decisions' }, ...shown),
  );
}

function freezeRow({ freezeId, audience, times, reason, isIncludingRollback }: Freeze, now: FleetNow): ReactElement {
  const holds = isFreezeTime(times, now);
  return h(
    'li',
    { key: `freeze ${freezeId}` },
    h(Badge, { word: holds ? 'frozen' : 'freeze', tone: holds ? 'watch' : 'quiet' }),
    ' ',
    h('span', { className: 'id' }, freezeId),
    `: ${reason}`,
    h(
      'span',
      { className: 'quiet' },
      `, for ${describeAudience(audience)}, ${describeFreezeTimes(times)}`,
      isIncludingRollback ? ', the way back too' : '',
      holds ? ', now until ' : '',
      holds ? h(Instant, { at: freezeEndsAt(times, now) }) : null,
    ),
  );
}

function exclusionRow({ exclusionId, of, reason, expiresAt }: Exclusion): ReactElement {
  return h(
    'li',
    { key: `exclusion ${exclusionId}` },
    h(Badge, { word: 'excluded', tone: 'watch' }),
    ' ',
    h('span', { className: 'id' }, exclusionId),
    `: ${reason}`,
    h(
      'span',
      { className: 'quiet' },
      `, ${describeAudience(of)}`,
      expiresAt === undefined ? '' : ', until ',
      expiresAt === undefined ? null : h(Instant, { at: expiresAt }),
    ),
  );
}

type FleetNow = Parameters<typeof isFreezeTime>[1];

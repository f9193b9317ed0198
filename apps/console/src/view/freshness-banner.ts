// SPDX-License-Identifier: Apache-2.0
import { createElement as h, type ReactElement } from 'react';
import { durationText, timeText, type Zone, zoneText } from '../figures/format.ts';
import type { ContactFault, Freshness } from '../live/contact.ts';
import { useZone } from '../world.ts';
import { Mark } from './pieces.ts';

/** The small word in the header. */
export function FreshnessBadge({ freshness }: { readonly freshness: Freshness }): ReactElement {
  const { text, tone } = BADGES[freshness.kind];
  return h(
    'span',
    { className: `live live-${tone}`, role: 'status' },
    h('span', { className: 'dot', 'aria-hidden': true }),
    text,
  );
}

const BADGES: Readonly<Record<Freshness['kind'], { readonly text: string; readonly tone: 'good' | 'stop' | 'quiet' }>> =
  {
    live: { text: 'Live', tone: 'good' },
    connecting: { text: 'Connecting', tone: 'quiet' },
    stale: { text: 'Stale', tone: 'stop' },
    'never-heard': { text: 'No contact', tone: 'stop' },
    'store-away': { text: 'Database away', tone: 'stop' },
  };

/** Across the page whenever its figures are not those of now. */
export function FreshnessBanner(props: { readonly freshness: Freshness; readonly nowMs: number }): ReactElement | null {
  const sentence = sentenceOf(props.freshness, props.nowMs, useZone());
  return sentence === undefined
    ? null
    : h('div', { className: 'banner', role: 'alert' }, h(Mark, { tone: 'stop' }), sentence);
}

function sentenceOf(freshness: Freshness, nowMs: number, zone: Zone): string | undefined {
  switch (freshness.kind) {
    case 'live':
    case 'connecting':
      return undefined;
    case 'never-heard':
      return `${FAULTS[freshness.fault]}. This page connects by itself`;
    case 'stale': {
      const { sinceMs, fault } = freshness;
      const why = fault === undefined ? 'The server has gone quiet' : FAULTS[fault];
      return `Stale since ${sinceText(sinceMs, nowMs, zone)}. ${why}; what you see is what was true then. This page connects by itself`;
    }
    case 'store-away':
      return `Stale since ${sinceText(freshness.sinceMs, nowMs, zone)}. The server lives but cannot read its database; nothing is offered or permitted meanwhile`;
  }
}

function sinceText(sinceMs: number, nowMs: number, zone: Zone): string {
  return `${timeText(sinceMs, zone)} ${zoneText(sinceMs, zone)} (${durationText(nowMs - sinceMs)} ago)`;
}

const FAULTS: Readonly<Record<ContactFault, string>> = {
  unreachable: 'The server does not answer',
  'token-refused': 'The server no longer takes this token',
  'page-outdated': 'The server speaks of things that this page does not know: reload it',
  'too-many-watch': 'As many people watch as the server serves at once',
};

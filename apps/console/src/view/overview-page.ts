// SPDX-License-Identifier: Apache-2.0
import type { RolloutOverview } from '@outrider/domain/decision/overview';
import type { Overview } from '@outrider/protocol/decision/overview';
import { Fragment, createElement as h, type ReactElement } from 'react';
import { permilleOf } from '../figures/evidence-rows.ts';
import { countText, shareText } from '../figures/format.ts';
import { funnelParts } from '../figures/funnel-steps.ts';
import { glanceOf } from '../figures/glance.ts';
import { metricText, stateWord } from '../figures/words.ts';
import { DecisionList } from './decision-list.ts';
import { Badge, Bar, Empty, Instant, Section } from './pieces.ts';
import { DeviceStatesView, VitalsView } from './vitals.ts';

/** The whole installation: what must be known first stands first. */
export function OverviewPage({
  overview,
  pause,
}: {
  readonly overview: Overview;
  readonly pause?: PauseNote;
}): ReactElement {
  const { rollouts, rolloutCount, pausedScopes } = overview;
  const isAllPaused = pausedScopes.includes('global');
  return h(
    'div',
    { className: 'page' },
    h(GlanceView, { overview, ...(pause === undefined ? {} : { pause }) }),
    h(
      Section,
      {
        id: 'rollouts',
        title: 'Rollouts',
        hint:
          rolloutCount > rollouts.length
            ? `the newest ${rollouts.length} of ${countText(rolloutCount)}`
            : countText(rolloutCount),
        className: 'flush',
      },
      rollouts.length === 0
        ? h(Empty, {}, 'No rollout yet. One is made with ', h('code', {}, 'outrider rollout create'), '.')
        : h(
            'ul',
            { className: 'rollouts' },
            ...rollouts.map((one) => h(RolloutRow, { key: one.rolloutId, rollout: one, isAllPaused })),
          ),
    ),
    h(
      Section,
      { id: 'decisions', title: 'Last decisions', hint: 'newest first', className: 'flush' },
      h(DecisionList, { decisions: overview.decisions, isNamed: true }),
    ),
    h(
      'div',
      { className: 'columns' },
      h(VitalsView, { vitals: overview.vitals }),
      h(DeviceStatesView, overview.devices === undefined ? {} : { devices: overview.devices }),
    ),
  );
}

/** Who paused everything, when and why, as the policy log has it. */
export interface PauseNote {
  readonly author: string;
  readonly at: number;
  readonly reason: string;
}

function GlanceView({ overview, pause }: { readonly overview: Overview; readonly pause?: PauseNote }): ReactElement {
  const { tone, headline, notes } = glanceOf(overview);
  return h(
    'section',
    { className: `glance glance-${tone}`, 'aria-label': 'The state of the fleet' },
    h('h1', {}, headline),
    pause === undefined
      ? null
      : h(
          'p',
          { className: 'glance-why' },
          `“${pause.reason}” `,
          h('span', { className: 'quiet' }, `by ${pause.author}, since `, h(Instant, { at: pause.at })),
        ),
    notes.length === 0
      ? null
      : h(
          'ul',
          {},
          ...notes.map((note, index) =>
            h(
              'li',
              { key: `${index}`, className: `note tone-${note.tone}` },
              note.rolloutId === undefined
                ? null
                : h(Fragment, {}, h('a', { className: 'id', href: rolloutHref(note.rolloutId) }, note.rolloutId), ' '),
              note.text,
              note.since === undefined
                ? null
                : h('span', { className: 'quiet' }, ' since ', h(Instant, { at: note.since })),
            ),
          ),
        ),
  );
}

export function rolloutHref(rolloutId: string): string {
  return `#/rollouts/${encodeURIComponent(rolloutId)}`;
}

function RolloutRow(props: { readonly rollout: RolloutOverview; readonly isAllPaused: boolean }): ReactElement {
  const { rollout, isAllPaused } = props;
  const { rolloutId, funnel, exposure, state, figures } = rollout;
  const { population, verified, underWay, reverted, installFailed } = funnel;
  const harmed = reverted + installFailed;
  const [nearest] = figures;
  const label = `${countText(verified)} verified, ${countText(underWay)} under way, ${countText(harmed)} reverted or failed, of ${countText(population)} devices`;
  return h(
    'li',
    { className: 'rollout' },
    h(
      'div',
      { className: 'rollout-head' },
      h('a', { className: 'id rollout-name', href: rolloutHref(rolloutId) }, rolloutId),
      h(Badge, stateWord(state)),
      isAllPaused && state === 'running' ? h(Badge, { word: 'Held by the pause', tone: 'watch' }) : null,
      exposure === undefined
        ? null
        : h(
            'span',
            { className: 'quiet' },
            `wave ${exposure.waveName}, ${exposure.waveNumber} of ${exposure.waveCount}`,
          ),
    ),
    h(
      'div',
      { className: 'rollout-way' },
      h(Bar, {
        label,
        parts: funnelParts(funnel),
        ...(exposure === undefined || population === 0
          ? {}
          : { ticks: [Math.min(1, exposure.cap / population) * 1_000] }),
      }),
      h(
        'dl',
        { className: 'counts' },
        h(Count, { name: 'verified', devices: verified, detail: shareText(verified, population) }),
        h(Count, { name: 'under way', devices: underWay }),
        h(Count, { name: 'reverted', devices: reverted, isHarm: true }),
        h(Count, { name: 'failed', devices: installFailed, isHarm: true }),
        h(Count, { name: 'permitted', devices: exposure?.granted ?? funnel.permitted }),
        exposure === undefined ? null : h(Count, { name: 'cap', devices: Math.min(exposure.cap, population) }),
        h(Count, { name: 'devices', devices: population }),
      ),
    ),
    nearest === undefined
      ? h('div', { className: 'rollout-evidence quiet' }, 'No evidence yet')
      : h(
          'div',
          { className: 'rollout-evidence' },
          h('span', { className: 'quiet' }, `${metricText(nearest.metric)}, ${nearest.segment ?? 'overall'}`),
          h(Bar, {
            label: `ln E ${nearest.lnE.toFixed(2)} of ${nearest.threshold.toFixed(2)}`,
            parts: [{ tone: nearest.lnE >= nearest.threshold ? 'stop' : 'calm', permille: permilleOf(nearest) }],
          }),
          h('span', { className: 'number' }, `ln E ${nearest.lnE.toFixed(2)} of ${nearest.threshold.toFixed(2)}`),
        ),
    h(
      'p',
      { className: 'rollout-reason' },
      state === 'running' ? (exposure?.holdReason ?? rollout.verdict?.reason ?? rollout.reason) : rollout.reason,
    ),
  );
}

function Count(props: {
  readonly name: string;
  readonly devices: number;
  readonly detail?: string;
  readonly isHarm?: boolean;
}): ReactElement {
  const { name, devices, detail, isHarm = false } = props;
  return h(
    'div',
    { className: isHarm && devices > 0 ? 'count harm' : 'count' },
    h('dt', {}, name),
    h(
      'dd',
      { className: 'number' },
      countText(devices),
      detail === undefined ? null : h('span', { className: 'quiet' }, ` ${detail}`),
    ),
  );
}

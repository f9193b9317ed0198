// SPDX-License-Identifier: Apache-2.0
import type { RolloutOverview } from '@outrider/domain/decision/overview';
import { parseDecisionHistory } from '@outrider/protocol/decision/history';
import type { Overview } from '@outrider/protocol/decision/overview';
import { createElement as h, type ReactElement } from 'react';
import { countText, shareText } from '../figures/format.ts';
import { funnelSteps } from '../figures/funnel-steps.ts';
import { stateWord } from '../figures/words.ts';
import type { Management } from '../live/management.ts';
import { parseOpenPermits, parseRolloutAnswer } from '../live/rollout-answer.ts';
import { useAsked } from '../live/use-asked.ts';
import type { World } from '../world.ts';
import type { BrakeAction } from './brake.ts';
import { CauseList } from './cause-list.ts';
import { DecisionList } from './decision-list.ts';
import { DriftTable, EvidenceTable } from './evidence-table.ts';
import { EvidenceChart, ExposureChart } from './history-charts.ts';
import { OpenPermitList } from './open-permits.ts';
import { OrderList } from './order-list.ts';
import { Badge, Bar, Empty, Instant, Section, Stat } from './pieces.ts';
import { SegmentTable } from './segment-table.ts';

export interface RolloutPageProps {
  readonly world: World;
  readonly management: Management;
  readonly overview: Overview;
  readonly rollout: RolloutOverview;
  readonly onBrake: (action: BrakeAction) => void;
}

/** Counts behind the figures move with each decision, which is once a minute at most. */
const ASK_MS = 3_000;
/** A curve of days gains nothing by being newer. */
const ASK_HISTORY_MS = 10_000;

/** Everything about one rollout, from the way of its devices to the figures that could stop it. */
export function RolloutPage({ world, management, overview, rollout, onBrake }: RolloutPageProps): ReactElement {
  const { rolloutId, state, exposure, funnel } = rollout;
  const path = `/rollouts/${encodeURIComponent(rolloutId)}`;
  const how = { world, management };
  const answer = useAsked({ ...how, path, parse: parseRolloutAnswer, everyMs: ASK_MS });
  const permits = useAsked({ ...how, path: `${path}/open-permits`, parse: parseOpenPermits, everyMs: ASK_MS });
  const history = useAsked({ ...how, path: `${path}/history`, parse: parseDecisionHistory, everyMs: ASK_HISTORY_MS });
  const points = history.value?.items ?? [];
  const waves = answer.value?.rollout.plan.waves;
  const fleet = {
    population: funnel.population,
    ...(waves === undefined ? {} : { ceilingsPermille: waves.map((one) => one.exposurePermille) }),
  };
  return h(
    'div',
    { className: 'page' },
    h(
      'section',
      { className: 'rollout-title' },
      h('p', { className: 'crumb' }, h('a', { href: '#/' }, 'All rollouts')),
      h(
        'div',
        { className: 'title-line' },
        h('h1', { className: 'id' }, rolloutId),
        h(Badge, stateWord(state)),
        h(RolloutBrake, { rollout, onBrake }),
      ),
      h('p', {}, rollout.reason, h('span', { className: 'quiet' }, ' since ', h(Instant, { at: rollout.stateSince }))),
      exposure?.holdReason === undefined || state !== 'running'
        ? null
        : h('p', { className: 'note tone-watch' }, `Does not widen: ${exposure.holdReason}`),
    ),
    h(
      Section,
      {
        id: 'way',
        title: 'The way of its devices',
        hint: `release ${rollout.releaseId}, ${countText(funnel.population)} eligible devices of ${rollout.deviceType}`,
      },
      h(FunnelView, { rollout }),
      h(CauseList, { key: rolloutId, ...how, rolloutId }),
    ),
    h(OrderList, { orders: rollout.orders }),
    h(
      Section,
      {
        id: 'exposure',
        title: 'Exposure',
        hint: 'permits given, the cap that the evidence allows, and the ceiling of the wave',
      },
      exposure === undefined
        ? h(Empty, {}, 'It has not been started.')
        : h(
            'div',
            {},
            h(
              'dl',
              { className: 'stats' },
              h(Stat, {
                name: 'Permitted',
                value: countText(exposure.granted),
                detail: shareText(exposure.granted, funnel.population),
              }),
              h(Stat, {
                name: 'Cap',
                value: countText(Math.min(exposure.cap, funnel.population)),
                detail: shareText(Math.min(exposure.cap, funnel.population), funnel.population),
              }),
              h(Stat, {
                name: 'Wave',
                value: exposure.waveName,
                detail: `${exposure.waveNumber} of ${exposure.waveCount}`,
              }),
              h(Stat, { name: 'Treated arm', value: `${Math.round(exposure.pi * 100)} %`, detail: 'of those who ask' }),
            ),
            h(ExposureChart, { points, fleet }),
            h(SegmentTable, {
              segments: rollout.segments,
              segmentCount: rollout.segmentCount,
              isRunning: rollout.state === 'running',
            }),
          ),
    ),
    h(
      Section,
      {
        id: 'evidence',
        title: 'Evidence against its threshold',
        hint: 'natural logarithms; at its threshold a metric acts by itself',
      },
      h(EvidenceChart, { points }),
      h(EvidenceTable, {
        figures: rollout.figures,
        figureCount: rollout.figureCount,
        ...(answer.value?.evidence === undefined ? {} : { evidence: answer.value.evidence }),
      }),
      h(DriftTable, { drifts: answer.value?.baseDrift ?? [] }),
      rollout.evidenceAsOf === undefined
        ? null
        : h('p', { className: 'hint' }, 'Counted up to ', h(Instant, { at: rollout.evidenceAsOf })),
    ),
    h(
      'div',
      { className: 'columns' },
      h(
        Section,
        {
          id: 'open',
          title: 'Open permits',
          hint: permits.value === undefined ? 'asking' : `${countText(permits.value.items.length)} may install now`,
        },
        h(OpenPermitList, { permits: permits.value?.items ?? [] }),
      ),
      h(
        Section,
        { id: 'decided', title: 'Last decisions', hint: 'newest first', className: 'flush' },
        h(DecisionList, { decisions: overview.decisions.filter((one) => one.rolloutId === rolloutId), isNamed: false }),
      ),
    ),
  );
}

function RolloutBrake({
  rollout,
  onBrake,
}: {
  readonly rollout: RolloutOverview;
  readonly onBrake: (action: BrakeAction) => void;
}): ReactElement | null {
  const target = { kind: 'rollout', rolloutId: rollout.rolloutId } as const;
  if (rollout.state === 'running') {
    return h(
      'button',
      { type: 'button', className: 'danger', onClick: () => onBrake({ target, verb: 'pause' }) },
      'Pause this rollout',
    );
  }
  if (rollout.state === 'paused') {
    return h(
      'button',
      { type: 'button', className: 'primary', onClick: () => onBrake({ target, verb: 'resume' }) },
      'Resume this rollout',
    );
  }
  return null;
}

function FunnelView({ rollout }: { readonly rollout: RolloutOverview }): ReactElement {
  return h(
    'ol',
    { className: 'funnel' },
    ...funnelSteps(rollout.funnel).map(({ name, explanation, devices, of, tone }) =>
      h(
        'li',
        { key: name, className: `tone-${tone}` },
        h('span', { className: 'funnel-name' }, name, h('span', { className: 'quiet' }, ` ${explanation}`)),
        h(Bar, {
          label: `${name}: ${countText(devices)} of ${countText(of)}`,
          parts: [{ tone, permille: of === 0 ? 0 : Math.round((devices / of) * 1_000) }],
        }),
        h('span', { className: 'number' }, countText(devices)),
        h('span', { className: 'number quiet' }, shareText(devices, of)),
      ),
    ),
  );
}

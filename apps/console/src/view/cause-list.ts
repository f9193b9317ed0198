// SPDX-License-Identifier: Apache-2.0
import { createElement as h, type ReactElement, useState } from 'react';
import { countText } from '../figures/format.ts';
import type { Management } from '../live/management.ts';
import { type FleetExplanation, parseFleetExplanation } from '../live/rollout-answer.ts';
import { Instant } from './pieces.ts';

type Stage =
  | { readonly kind: 'not-asked'; readonly fault?: string }
  | { readonly kind: 'asking' }
  | { readonly kind: 'answered'; readonly explanation: FleetExplanation };

/** Why each device stands where it stands. Asked by hand: the server looks at every device of the type for it. */
export function CauseList({
  management,
  rolloutId,
}: {
  readonly management: Management;
  readonly rolloutId: string;
}): ReactElement {
  const [stage, setStage] = useState<Stage>({ kind: 'not-asked' });

  async function ask(): Promise<void> {
    setStage({ kind: 'asking' });
    const answer = await management.get(`/rollouts/${encodeURIComponent(rolloutId)}/explain`);
    if (answer.kind !== 'done') {
      return setStage({
        kind: 'not-asked',
        fault: answer.kind === 'refused' ? answer.detail : 'The server does not answer',
      });
    }
    const read = parseFleetExplanation(answer.body);
    setStage(
      read.ok
        ? { kind: 'answered', explanation: read.value }
        : { kind: 'not-asked', fault: 'The answer has another form; reload the page' },
    );
  }

  return h(
    'div',
    { className: 'causes' },
    h(
      'button',
      { type: 'button', disabled: stage.kind === 'asking', onClick: () => void ask() },
      stage.kind === 'answered' ? 'Ask again' : 'Where is every device, and why?',
    ),
    stage.kind === 'not-asked' && stage.fault !== undefined
      ? h('p', { className: 'refused', role: 'alert' }, stage.fault)
      : null,
    stage.kind === 'answered' ? h(CauseTable, { explanation: stage.explanation }) : null,
  );
}

function CauseTable({ explanation }: { readonly explanation: FleetExplanation }): ReactElement {
  const { at, devices, groups } = explanation;
  return h(
    'div',
    {},
    h('p', { className: 'hint' }, `${countText(devices)} devices of the type at `, h(Instant, { at })),
    h(
      'div',
      { className: 'scroll', tabIndex: 0, role: 'group', 'aria-label': 'Devices by cause' },
      h(
        'table',
        {},
        h(
          'thead',
          {},
          h(
            'tr',
            {},
            h('th', { scope: 'col', className: 'right' }, 'Devices'),
            h('th', { scope: 'col' }, 'Why'),
            h('th', { scope: 'col' }, 'What they said'),
          ),
        ),
        h(
          'tbody',
          {},
          ...groups.map((one) =>
            h(
              'tr',
              { key: `${one.cause} ${one.reason ?? ''}` },
              h('td', { className: 'right number' }, countText(one.devices)),
              h('td', {}, one.sentence),
              h('td', { className: 'id' }, one.reason ?? ''),
            ),
          ),
        ),
      ),
    ),
  );
}

// SPDX-License-Identifier: Apache-2.0
import { type FormEvent, createElement as h, type ReactElement, useEffect, useRef, useState } from 'react';
import { countText } from '../figures/format.ts';
import type { Management } from '../live/management.ts';
import { parseReceipt, type Receipt } from '../live/rollout-answer.ts';
import { OpenPermitList } from './open-permits.ts';
import { Instant } from './pieces.ts';

/** What is stopped, or let go on. */
export type BrakeTarget =
  | { readonly kind: 'scope'; readonly scope: string }
  | { readonly kind: 'rollout'; readonly rolloutId: string };

export interface BrakeAction {
  readonly target: BrakeTarget;
  readonly verb: 'pause' | 'resume';
}

/** As long as a reason may be in the policy log. */
const REASON_CHARACTERS_MAX = 1_024;

type Stage =
  | { readonly kind: 'asking'; readonly fault?: string }
  | { readonly kind: 'sending' }
  | { readonly kind: 'done'; readonly receipt: Receipt };

/** Asks for the reason, acts, and shows what the server answered: after a pause, who may still install. */
export function BrakeDialog(props: {
  readonly action: BrakeAction;
  readonly management: Management;
  readonly onClose: () => void;
}): ReactElement {
  const { action, management, onClose } = props;
  const dialog = useRef<HTMLDialogElement>(null);
  const [stage, setStage] = useState<Stage>({ kind: 'asking' });
  const [reason, setReason] = useState('');
  useEffect(() => dialog.current?.showModal(), []);

  async function send(event: FormEvent): Promise<void> {
    event.preventDefault();
    setStage({ kind: 'sending' });
    const { path, body } = requestOf(action, reason.trim());
    const answer = await management.post(path, body);
    if (answer.kind === 'done') {
      const receipt = parseReceipt(answer.body);
      return setStage(receipt.ok ? { kind: 'done', receipt: receipt.value } : { kind: 'asking', fault: UNREADABLE });
    }
    setStage({ kind: 'asking', fault: answer.kind === 'refused' ? answer.detail : UNREACHABLE });
  }

  const words = wordsOf(action);
  return h(
    'dialog',
    {
      ref: dialog,
      className: 'brake',
      onClose,
      // Escape must not hide the answer to an order that is on its way.
      onCancel: (event: { preventDefault(): void }) => stage.kind === 'sending' && event.preventDefault(),
      'aria-labelledby': 'brake-title',
    },
    h('h2', { id: 'brake-title' }, stage.kind === 'done' ? words.done : words.title),
    stage.kind === 'done'
      ? h(DoneView, { action, receipt: stage.receipt, onClose: () => dialog.current?.close() })
      : h(
          'form',
          { onSubmit: (event: FormEvent) => void send(event) },
          h('p', {}, words.consequence),
          h('label', { htmlFor: 'brake-reason' }, 'Reason, for the record'),
          h('textarea', {
            id: 'brake-reason',
            required: true,
            maxLength: REASON_CHARACTERS_MAX,
            rows: 2,
            autoFocus: true,
            value: reason,
            onChange: (event: { readonly currentTarget: HTMLTextAreaElement }) => setReason(event.currentTarget.value),
          }),
          stage.kind === 'asking' && stage.fault !== undefined
            ? h('p', { className: 'refused', role: 'alert' }, stage.fault)
            : null,
          h(
            'div',
            { className: 'actions' },
            h(
              'button',
              { type: 'button', disabled: stage.kind === 'sending', onClick: () => dialog.current?.close() },
              'Cancel',
            ),
            h(
              'button',
              {
                type: 'submit',
                className: action.verb === 'pause' ? 'danger' : 'primary',
                disabled: stage.kind === 'sending' || reason.trim() === '',
              },
              stage.kind === 'sending' ? 'Sending' : words.confirm,
            ),
          ),
        ),
  );
}

const UNREACHABLE = 'The server does not answer: whether it was done is not known. Look, then send it again';
const UNREADABLE = 'It was done, and the receipt has another form than this page knows; reload the page';

function DoneView({
  action,
  receipt,
  onClose,
}: {
  readonly action: BrakeAction;
  readonly receipt: Receipt;
  readonly onClose: () => void;
}): ReactElement {
  const open = receipt.openPermits ?? [];
  return h(
    'div',
    { role: 'status' },
    h(
      'p',
      {},
      'Revision ',
      h('span', { className: 'number' }, countText(receipt.revision)),
      ', fleet time ',
      h(Instant, { at: receipt.at }),
      '.',
    ),
    action.verb === 'resume'
      ? null
      : open.length === 0
        ? h('p', { className: 'receipt-clear' }, 'No device holds a permit: nothing can be installed any more.')
        : h(
            'div',
            {},
            h(
              'p',
              {},
              `No new permit can come into being. ${countText(open.length)} may still install until their permits expire:`,
            ),
            h(OpenPermitList, { permits: open }),
          ),
    h(
      'div',
      { className: 'actions' },
      h('button', { type: 'button', className: 'primary', autoFocus: true, onClick: onClose }, 'Close'),
    ),
  );
}

function requestOf(
  { target, verb }: BrakeAction,
  reason: string,
): { readonly path: string; readonly body: Readonly<Record<string, unknown>> } {
  if (target.kind === 'scope') return { path: `/scopes/${verb}`, body: { scope: target.scope, reason } };
  return {
    path: `/rollouts/${encodeURIComponent(target.rolloutId)}/events`,
    body: { event: verb, reason },
  };
}

function wordsOf({ target, verb }: BrakeAction) {
  const what = target.kind === 'scope' ? (target.scope === 'global' ? 'everything' : target.scope) : target.rolloutId;
  if (verb === 'resume') {
    return {
      title: `Resume ${what}?`,
      consequence: 'Offers and permits go on as far as the evidence allows.',
      confirm: 'Resume',
      done: `Resumed: ${what}`,
    };
  }
  return {
    title: `Pause ${what}?`,
    consequence:
      'No permit is given once the server has answered. Devices that hold one already may still install; the receipt names them. Rollbacks go on.',
    confirm: target.kind === 'scope' ? 'Pause everything' : 'Pause this rollout',
    done: `Paused: ${what}`,
  };
}

// SPDX-License-Identifier: Apache-2.0
import type { Overview } from '@outrider/protocol/decision/overview';

/** What the keyboard is for at the moment: watching, or one of the three questions before a pause. */
export type Dialog =
  | { readonly kind: 'watching'; readonly said?: string }
  | { readonly kind: 'what'; readonly choices: readonly PauseTarget[] }
  | { readonly kind: 'reason'; readonly target: PauseTarget; readonly reason: string }
  | { readonly kind: 'sure'; readonly target: PauseTarget; readonly reason: string };

/** What may be paused from here; `global` is everything. */
export type PauseTarget = { readonly kind: 'global' } | { readonly kind: 'rollout'; readonly rolloutId: string };

/** What follows from a key. */
export type DialogEffect =
  | { readonly kind: 'none' }
  | { readonly kind: 'quit' }
  | { readonly kind: 'pause'; readonly target: PauseTarget; readonly reason: string };

/** As long as a reason may be. */
const REASON_CHARACTERS_MAX = 1_024;
const REASON_DEFAULT = 'Paused from outrider top';
/** Digits that name a rollout. */
const CHOICES_MAX = 9;

const NONE: DialogEffect = { kind: 'none' };
const CTRL_C = '\u0003';
const ESCAPE = '\u001b';
const ENTER = new Set(['\r', '\n']);
const BACKSPACE = new Set(['\u007f', '\b']);

/**
 * The dialog after a key. Nothing pauses on fewer than four of them (p, what, the end of a reason, y): a cat on the keyboard stops
 * no fleet. Ctrl-C always leaves; Escape goes back to watching.
 */
export function afterKey(dialog: Dialog, key: string, overview: Overview | undefined): readonly [Dialog, DialogEffect] {
  if (key === CTRL_C) return [dialog, { kind: 'quit' }];
  if (key === ESCAPE) return [{ kind: 'watching' }, dialog.kind === 'watching' ? { kind: 'quit' } : NONE];
  switch (dialog.kind) {
    case 'watching':
      if (key === 'q') return [dialog, { kind: 'quit' }];
      return [key === 'p' ? { kind: 'what', choices: choicesIn(overview) } : dialog, NONE];
    case 'what': {
      const target = key === 'g' ? ({ kind: 'global' } as const) : dialog.choices[Number(key) - 1];
      return [target === undefined ? { kind: 'watching' } : { kind: 'reason', target, reason: '' }, NONE];
    }
    case 'reason':
      return [afterReasonKey(dialog, key), NONE];
    case 'sure': {
      const { target, reason } = dialog;
      return [{ kind: 'watching' }, key === 'y' ? { kind: 'pause', target, reason } : NONE];
    }
  }
}

/** The last line of the screen. */
export function promptOf(dialog: Dialog): string {
  switch (dialog.kind) {
    case 'watching':
      return `q quit   p pause${dialog.said === undefined ? '' : `   ${dialog.said}`}`;
    case 'what': {
      const rollouts = dialog.choices.map((one, index) => `${index + 1} ${nameOf(one)}`);
      return ['Pause what?', 'g everything', ...rollouts, 'any other key: nothing'].join('   ');
    }
    case 'reason':
      return `Pause ${nameOf(dialog.target)}. Why? (Enter when done, Escape: not at all) ${dialog.reason}_`;
    case 'sure':
      return `Pause ${nameOf(dialog.target)} now, because: ${dialog.reason}   y yes   any other key: no`;
  }
}

/** As people call it. */
export function nameOf(target: PauseTarget): string {
  return target.kind === 'global' ? 'everything' : target.rolloutId;
}

function choicesIn(overview: Overview | undefined): readonly PauseTarget[] {
  return (overview?.rollouts ?? [])
    .filter(({ state }) => state === 'running' || state === 'completed')
    .slice(0, CHOICES_MAX)
    .map(({ rolloutId }) => ({ kind: 'rollout', rolloutId }));
}

function afterReasonKey(dialog: Extract<Dialog, { readonly kind: 'reason' }>, key: string): Dialog {
  const { target, reason } = dialog;
  if (ENTER.has(key)) return { kind: 'sure', target, reason: reason.trim() === '' ? REASON_DEFAULT : reason.trim() };
  if (BACKSPACE.has(key)) return { ...dialog, reason: reason.slice(0, -1) };
  // What is pasted comes as one text; arrows and the like begin with Escape and say nothing here.
  const typed = key.startsWith(ESCAPE) ? '' : key.replaceAll(/\p{Cc}/gu, ' ');
  return { ...dialog, reason: (reason + typed).slice(0, REASON_CHARACTERS_MAX) };
}

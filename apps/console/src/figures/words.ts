// SPDX-License-Identifier: Apache-2.0
import type { Verdict } from '@outrider/domain/decision/decision';
import type { MetricName, RolloutState } from '@outrider/domain/policy/rollout';

/** How much a thing wants a person: said by a word and a shape of its own, which colour only repeats. */
export type Tone = 'calm' | 'good' | 'watch' | 'stop' | 'quiet';

export interface Word {
  readonly word: string;
  readonly tone: Tone;
}

export function stateWord(state: RolloutState): Word {
  return STATES[state];
}

export function verdictWord(kind: Verdict['kind']): Word {
  return VERDICTS[kind];
}

/** What a metric counts, as a person would say it. */
export function metricText(metric: MetricName): string {
  return METRICS[metric];
}

function word(text: string, tone: Tone): Word {
  return { word: text, tone };
}

const STATES: Readonly<Record<RolloutState, Word>> = {
  draft: word('Draft', 'quiet'),
  approved: word('Approved', 'quiet'),
  running: word('Running', 'calm'),
  paused: word('Paused', 'watch'),
  halted: word('Halted', 'stop'),
  'rolling-back': word('Rolling back', 'stop'),
  'rolled-back': word('Rolled back', 'quiet'),
  completed: word('Completed', 'good'),
  cancelled: word('Cancelled', 'quiet'),
};

const VERDICTS: Readonly<Record<Verdict['kind'], Word>> = {
  admit: word('Admit', 'calm'),
  hold: word('Hold', 'watch'),
  pause: word('Pause', 'watch'),
  halt: word('Halt', 'stop'),
  complete: word('Complete', 'good'),
};

const METRICS: Readonly<Record<MetricName, string>> = {
  revert: 'Reverted after boot',
  install: 'Failed to install',
  silent24: 'Silent for 24 h',
  silent72: 'Silent for 72 h',
  silent168: 'Silent for 7 d',
  crash24: 'Crashed within 24 h',
  sensor24: 'Sensor fault within 24 h',
};

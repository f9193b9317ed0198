// SPDX-License-Identifier: Apache-2.0
import type { Table } from '../kernel/table.ts';
import type { RolloutEvent, RolloutState } from './rollout.ts';

/**
 * The life of a rollout as one total table.
 *
 * Invariants:
 * - I1. Permits to install the release come into being in `running` and `completed` alone, those for the rollback twin
 *   in `rolling-back` and `rolled-back` alone. Enforced by `gateway/permit-gate` in the transaction of each commit.
 * - I2. Every event that takes permits away raises the epoch (`raisesEpoch`). Enforced by `fold`.
 *
 * Prohibitions:
 * - C1. Nothing leads from `halted` back to `running` but a `resume` that two groups of approvers or more have signed, about
 *   this revision and this evidence. Enforced by `decideChange`, which takes none without its envelope, and by the server's
 *   resume command, which verifies it.
 * - C2. `pause` and `cancel` stop a rollback only when they say so. Enforced by `decideChange`.
 * - C3. `cancelled` and `rolled-back` are ends. Whoever may still want the way back halts instead of cancelling.
 */
export const ROLLOUT_TABLE: Table<RolloutState, RolloutEvent> = {
  draft: {
    approve: 'approved',
    start: 'impossible',
    pause: 'impossible',
    resume: 'impossible',
    halt: 'impossible',
    cancel: 'cancelled',
    complete: 'impossible',
    'roll-back': 'impossible',
    'rolled-back': 'impossible',
  },
  approved: {
    approve: 'stay',
    start: 'running',
    pause: 'impossible',
    resume: 'impossible',
    halt: 'impossible',
    cancel: 'cancelled',
    complete: 'impossible',
    'roll-back': 'impossible',
    'rolled-back': 'impossible',
  },
  running: {
    approve: 'impossible',
    start: 'stay',
    pause: 'paused',
    resume: 'stay',
    halt: 'halted',
    cancel: 'cancelled',
    complete: 'completed',
    'roll-back': 'rolling-back',
    'rolled-back': 'impossible',
  },
  paused: {
    approve: 'impossible',
    start: 'impossible',
    pause: 'stay',
    resume: 'running',
    halt: 'halted',
    cancel: 'cancelled',
    complete: 'impossible',
    'roll-back': 'rolling-back',
    'rolled-back': 'impossible',
  },
  halted: {
    approve: 'impossible',
    start: 'impossible',
    // Nothing is given out in `halted`, so a pause is true already.
    pause: 'stay',
    resume: 'running',
    halt: 'stay',
    cancel: 'cancelled',
    complete: 'impossible',
    'roll-back': 'rolling-back',
    'rolled-back': 'impossible',
  },
  'rolling-back': {
    approve: 'impossible',
    start: 'impossible',
    // With the rollback included: `halted` gives out nothing, and `roll-back` takes it up again.
    pause: 'halted',
    resume: 'impossible',
    halt: 'stay',
    cancel: 'cancelled',
    complete: 'impossible',
    'roll-back': 'stay',
    'rolled-back': 'rolled-back',
  },
  'rolled-back': {
    approve: 'impossible',
    start: 'impossible',
    pause: 'impossible',
    resume: 'impossible',
    halt: 'stay',
    cancel: 'impossible',
    complete: 'impossible',
    'roll-back': 'stay',
    'rolled-back': 'stay',
  },
  completed: {
    approve: 'impossible',
    start: 'impossible',
    // Late joiners are still served, so there is something to pause; completing again follows a resume by itself.
    pause: 'paused',
    resume: 'stay',
    halt: 'halted',
    cancel: 'cancelled',
    complete: 'stay',
    'roll-back': 'rolling-back',
    'rolled-back': 'impossible',
  },
  cancelled: {
    approve: 'impossible',
    start: 'impossible',
    pause: 'impossible',
    resume: 'impossible',
    halt: 'impossible',
    cancel: 'stay',
    complete: 'impossible',
    'roll-back': 'impossible',
    'rolled-back': 'impossible',
  },
};

/** Whether permits of before this event must not be given out after it (I2). */
export function raisesEpoch(event: RolloutEvent): boolean {
  return EPOCH_RAISED[event];
}

const EPOCH_RAISED: Readonly<Record<RolloutEvent, boolean>> = {
  approve: false,
  start: false,
  pause: true,
  resume: false,
  halt: true,
  cancel: true,
  complete: false,
  'roll-back': true,
  'rolled-back': false,
};

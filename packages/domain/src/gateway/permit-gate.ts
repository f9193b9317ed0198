// SPDX-License-Identifier: Apache-2.0
import type { Epoch, SegmentId } from '../kernel/ids.ts';
import type { Rollout, RolloutState } from '../policy/rollout.ts';

/** What the policy says about permits of one rollout: what a store keeps in the row that each commit locks. */
export interface PermitGate {
  /** A proposal made under another epoch is refused. */
  readonly epoch: Epoch;
  readonly opens: PermitGateKind;
  /** No enrolment in these, even while the gate is open for others. */
  readonly haltedSegments: readonly SegmentId[];
  /** No treated enrolment beyond this many, whatever the cap: a person's ceiling. Absent: none. */
  readonly limitDevices?: number;
}

/** `enrolment` and `rollback` are the kinds of ledger row that may come into being; `none` lets neither pass. */
export type PermitGateKind = 'none' | 'enrolment' | 'rollback';

/** The gate of a rollout in its present state. */
export function permitGateOf(rollout: Rollout): PermitGate {
  const { epoch, state, haltedSegments, limitDevices } = rollout;
  const gate = { epoch, opens: GATE_BY_STATE[state], haltedSegments };
  return limitDevices === undefined ? gate : { ...gate, limitDevices };
}

/** A completed rollout still serves late joiners; a rolled-back one still takes back the device that slept through it. */
const GATE_BY_STATE = {
  draft: 'none',
  approved: 'none',
  running: 'enrolment',
  paused: 'none',
  halted: 'none',
  'rolling-back': 'rollback',
  'rolled-back': 'rollback',
  completed: 'enrolment',
  cancelled: 'none',
} as const satisfies Record<RolloutState, PermitGateKind>;

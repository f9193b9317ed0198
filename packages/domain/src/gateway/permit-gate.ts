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
  /** No enrolment in these. */
  readonly haltedRegions: readonly string[];
  /** Of these: regions whose devices may have the way back while the gate is open for enrolments elsewhere. */
  readonly rollbackRegions: readonly string[];
  /** No treated enrolment beyond this many, whatever the cap: a person's ceiling. Absent: none. */
  readonly limitDevices?: number;
}

/** `enrolment` and `rollback` are the kinds of ledger row that may come into being; `none` lets neither pass. */
export type PermitGateKind = 'none' | 'enrolment' | 'rollback';

/** The gate of a rollout in its present state. */
export function permitGateOf(rollout: Rollout): PermitGate {
  const { epoch, state, haltedSegments, haltedRegions: regions = [], limitDevices } = rollout;
  const haltedRegions = regions.map((one) => one.region);
  const rollbackRegions = regions.filter((one) => one.isRollingBack).map((one) => one.region);
  const gate = { epoch, opens: GATE_BY_STATE[state], haltedSegments, haltedRegions, rollbackRegions };
  return limitDevices === undefined ? gate : { ...gate, limitDevices };
}

/**
 * Whether a row of this kind may come into being for a device of this region, as far as state and regions go. A region on its
 * way back has it in `running` and `completed`; what stops the whole rollout stops that too, unless it is a rollback itself.
 */
export function isGateOpen(gate: PermitGate, kind: Exclude<PermitGateKind, 'none'>, region: string): boolean {
  if (gate.opens === kind) return true;
  return kind === 'rollback' && gate.opens === 'enrolment' && gate.rollbackRegions.includes(region);
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

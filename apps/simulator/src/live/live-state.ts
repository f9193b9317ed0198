// SPDX-License-Identifier: Apache-2.0
import type { Arm } from '@outrider/domain/gateway/ledger';
import type { RolloutState } from '@outrider/domain/policy/rollout';

/** What the terminal shows at one moment of the demonstration. */
export interface LiveState {
  readonly heading: string;
  /** What is going on, in a few words. */
  readonly phase: string;
  /** Fleet time since the round began. */
  readonly fleetDays: number;
  readonly elapsedMs: number;
  readonly requests: number;
  readonly rollout?: LiveRollout;
  readonly agents: readonly LiveAgent[];
  /** What happened last, newest last. */
  readonly events: readonly string[];
}

export interface LiveRollout {
  readonly version: string;
  readonly state: RolloutState;
  readonly waveName: string;
  readonly waveNumber: number;
  readonly waveCount: number;
  readonly population: number;
  readonly cap: number;
  readonly granted: number;
  readonly pi: number;
  readonly holdReason?: string;
  readonly arms: readonly ArmOutcomes[];
  readonly evidence: readonly EvidenceLine[];
}

/** Outcomes counted so far in one arm. What a control cannot do is absent there. */
export interface ArmOutcomes {
  readonly arm: Arm;
  readonly enrolled: number;
  readonly confirmed?: number;
  readonly reverted?: number;
  readonly installFailed?: number;
  readonly silent: number;
  readonly crashed: number;
  readonly sensorFaults: number;
}

/** One metric's evidence against the threshold at which it halts. */
export interface EvidenceLine {
  readonly metric: string;
  readonly segment: string;
  readonly lnE: number;
  readonly threshold: number;
}

export interface LiveAgent {
  readonly id: string;
  readonly hardwareId: string;
  readonly state: string;
  readonly activeVersion: string;
  readonly slot: string;
}

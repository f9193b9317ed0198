// SPDX-License-Identifier: Apache-2.0
import type { Decision, DecisionInput } from '@outrider/domain/decision/decision';
import type { LedgerRow } from '@outrider/domain/gateway/ledger';
import type { Report } from '@outrider/domain/gateway/report';
import type { FleetInstant, MachineInstant } from '@outrider/domain/kernel/time';
import type { Exposure } from '@outrider/domain/policy/exposure';
import type { PolicyEntry } from '@outrider/domain/policy/log';
import type { RolloutPlan } from '@outrider/domain/policy/rollout';

/** What an oracle may know: what the store made durable, what went over the wire, and what devices really hold. */
export type Observation =
  /** The store, at the instant of the commit. */
  | { readonly kind: 'permit-committed'; readonly row: LedgerRow; readonly region: string }
  | { readonly kind: 'exposure-stored'; readonly exposure: Exposure }
  | { readonly kind: 'policy-appended'; readonly entry: PolicyEntry }
  /** Evidence of the rollout is counted up to here: what comes later counts later. */
  | { readonly kind: 'interval-closed'; readonly rolloutId: string; readonly upTo: FleetInstant }
  | { readonly kind: 'report-appended'; readonly report: Report; readonly receivedAt: FleetInstant }
  | { readonly kind: 'decided'; readonly input: DecisionInput; readonly decision: Decision }
  /** A person's call came back: from now on it is true. */
  | { readonly kind: 'pause-returned'; readonly scope: string; readonly revision: number }
  /** The wire: an answer left a server, whether it arrives or not. */
  | { readonly kind: 'permit-sent'; readonly permitId: string; readonly deviceId: string; readonly counter: number }
  /** A message of the device was taken in and answered. */
  | { readonly kind: 'heard'; readonly deviceId: string; readonly at: FleetInstant }
  | { readonly kind: 'report-acknowledged'; readonly deviceId: string; readonly sequence: number }
  | { readonly kind: 'offer-sent'; readonly rolloutId: string; readonly deviceId: string; readonly at: MachineInstant }
  /** The device. */
  | { readonly kind: 'slot-written'; readonly device: DeviceSlots; readonly slot: string }
  | { readonly kind: 'slot-armed'; readonly device: DeviceSlots; readonly slot: string; readonly counter: number }
  | { readonly kind: 'slot-booted'; readonly device: DeviceSlots }
  | { readonly kind: 'slot-confirmed'; readonly device: DeviceSlots }
  /** The run is over, all is at rest: what is in the store beside what is in the slots. */
  | {
      readonly kind: 'ended';
      readonly permitIds: ReadonlySet<string>;
      readonly reportKeys: ReadonlySet<string>;
      readonly devices: readonly DeviceAtEnd[];
      readonly decisions: readonly {
        readonly plan: RolloutPlan;
        readonly input: DecisionInput;
        readonly decision: Decision;
      }[];
    };

/** A device as its chooser and its disk have it; digests are of the bytes that are there. */
export interface DeviceSlots {
  readonly deviceId: string;
  readonly running: string;
  readonly confirmed: string;
  /** The slot on trial, if there is one. */
  readonly trial: string | undefined;
  readonly runningVersion: string;
  readonly runningDigest: string;
}

/** A device that was heard of at the end, and what the server has of it. */
export interface DeviceAtEnd {
  readonly deviceId: string;
  readonly bootedVersion: string;
  readonly bootedDigest: string;
  readonly storedVersion: string;
  readonly storedDigest: string;
}

/** A promise of the product, watched from outside: it shares no code with what it watches. */
export interface Oracle {
  readonly name: string;
  /** The facts, when this breaks the promise. */
  see(observation: Observation): string | undefined;
}

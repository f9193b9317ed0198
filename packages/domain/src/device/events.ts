// SPDX-License-Identifier: Apache-2.0
import type { CheckIn, RefusalCode } from '../gateway/check-in.ts';
import type { NotYetCode, PermitRequest } from '../gateway/permit.ts';
import type { Report, ReportEvent } from '../gateway/report.ts';
import type { ReleaseId, RolloutId } from '../kernel/ids.ts';
import type { DurationMs, FleetInstant } from '../kernel/time.ts';
import type { DeviceError, InstallFailureCode } from './errors.ts';
import type { BootState, ComponentDigest, NetworkError, SlotContent, SlotName } from './ports.ts';
import type { DeviceState, HeldPermit, UpdatePart, UpdatePlan } from './state.ts';

/** What can happen to an agent. Each effect is answered by exactly one of these; `fault-seen`, `nudged` and `called` come by themselves. */
export type DeviceEvent =
  /** The agent started: after power-on, a reboot or a crash. */
  | ({ readonly kind: 'booted'; readonly boot: BootState } & WakeFacts)
  /** Time has passed. */
  | ({ readonly kind: 'woken' } & WakeFacts)
  /**
   * The running software crashed, a sensor failed, or the driver speaks against what runs: told to the server at the next wake,
   * if the device is busy with a rollout or runs what one brought. A crash is remembered in any case.
   */
  | {
      readonly kind: 'fault-seen';
      readonly event: Extract<ReportEvent, 'crash' | 'sensor-fault' | 'driver-flag'>;
      /** What it is about; absent: the offer the device holds, else what it installed last, a driver's word the other way round. */
      readonly rolloutId?: RolloutId;
      readonly releaseId?: ReleaseId;
      /** When, on the device's clock; absent: at the last wake. */
      readonly at?: FleetInstant;
      readonly detail: string;
    }
  /** Somebody at the device wants it to ask at once, whatever poll or back-off it waits for. */
  | { readonly kind: 'nudged' }
  /** The server says "check in" over a connection that is open. It proves nothing, and asks for no more than a check-in. */
  | { readonly kind: 'called'; readonly now: FleetInstant }
  /** `check-in`: an offer that passed `checkOffer`. */
  | ({ readonly kind: 'offered'; readonly plan: UpdatePlan; readonly pollAfterMs: DurationMs } & ReadyFacts)
  /** `check-in`: an offer that did not. */
  | {
      readonly kind: 'offer-refused';
      readonly error: DeviceError;
      readonly pollAfterMs: DurationMs;
      /** What was offered, for the report. */
      readonly about?: { readonly rolloutId: RolloutId; readonly releaseId: ReleaseId };
    }
  /** `check-in`: nothing for this device now. */
  | { readonly kind: 'refused'; readonly code: RefusalCode; readonly pollAfterMs: DurationMs }
  /** `check-in`, `ask-permit`: no usable answer. */
  | { readonly kind: 'unanswered'; readonly error: NetworkError }
  /** `download`: every blob is staged and has its digest. */
  | { readonly kind: 'staged' }
  /** `download`: it broke off; what came is kept. */
  | { readonly kind: 'download-cut'; readonly detail: string; readonly retryAfterMs?: DurationMs }
  /** `download`, `install`: it cannot be done. */
  | { readonly kind: 'install-failed'; readonly code: InstallFailureCode; readonly detail: string }
  /** `ask-permit`: a permit that passed `checkPermit`. */
  | { readonly kind: 'permitted'; readonly permit: HeldPermit }
  /** `ask-permit`: a permit that did not. */
  | { readonly kind: 'permit-refused'; readonly error: DeviceError }
  /** `ask-permit`: not now. */
  | { readonly kind: 'not-yet'; readonly code: NotYetCode; readonly askAfterMs: DurationMs }
  /** `verify-slot`: what the slot holds by its hashes. */
  | { readonly kind: 'slot-verified'; readonly slot: SlotName; readonly components: readonly ComponentDigest[] }
  /** `install`: the slot holds all images. */
  | { readonly kind: 'written' }
  /** `arm`: the chooser will try the slot. */
  | { readonly kind: 'armed'; readonly boot: BootState }
  /** `check-health`. */
  | { readonly kind: 'health-checked'; readonly isHealthy: boolean; readonly detail: string }
  /** `confirm`. */
  | { readonly kind: 'confirmed'; readonly boot: BootState }
  /** `discard-staged`. */
  | { readonly kind: 'discarded' }
  /** `send-report`: the server has it on disk. */
  | { readonly kind: 'report-acknowledged'; readonly sequence: number }
  /** `send-report`: it has not. */
  | { readonly kind: 'report-unsent'; readonly error: NetworkError };

/** What each start and each wake tells. */
export interface WakeFacts extends ReadyFacts {
  readonly now: FleetInstant;
}

/** What pre-flight says; asked anew after an offer, since consent may depend on it. */
export interface ReadyFacts {
  readonly mayDownload: boolean;
  /** The earliest instant at which the device would ask for the permit. */
  readonly readyAt: FleetInstant;
}

/** What `step` answers: the state to store, then the one thing to do. */
export interface Step {
  readonly state: DeviceState;
  /** Undefined only when the event was ignored. */
  readonly effect: Effect | undefined;
}

/** What the agent shall do next, one thing at a time. All are safe to repeat after a cut. */
export type Effect =
  | { readonly kind: 'check-in'; readonly checkIn: CheckIn }
  | { readonly kind: 'download'; readonly parts: readonly UpdatePart[] }
  | { readonly kind: 'ask-permit'; readonly request: PermitRequest }
  | { readonly kind: 'verify-slot'; readonly slot: SlotName }
  | { readonly kind: 'install'; readonly slot: SlotName; readonly parts: readonly UpdatePart[] }
  | { readonly kind: 'arm'; readonly slot: SlotName; readonly content: SlotContent; readonly tries: number }
  /** Answered by `booted`. */
  | { readonly kind: 'reboot' }
  | { readonly kind: 'check-health' }
  | { readonly kind: 'confirm' }
  | { readonly kind: 'send-report'; readonly report: Report }
  | { readonly kind: 'discard-staged' }
  /** Nothing to do before `until`; answered by `woken`. */
  | { readonly kind: 'sleep'; readonly until: FleetInstant };

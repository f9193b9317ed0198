// SPDX-License-Identifier: Apache-2.0
import { bool, literal, oneOf, type Reader, record, variant, whole } from '@outrider/protocol/kernel/reader';

/**
 * One thing that goes wrong, from a step of the run on. A run's faults are drawn before it begins and are all there is of
 * bad luck in it, so that leaving one out leaves the others as they are: what is drawn for a message is drawn from the
 * seed, the fault's id and the message, and from nothing else.
 */
export type Fault =
  /** Messages of some devices, or their answers, get lost. */
  | (MessageFault & { readonly kind: 'loss' })
  /** The device gives up waiting, and its message arrives all the same: later in the step, or hours later. */
  | (MessageFault & { readonly kind: 'delay' })
  /** The message arrives a second time, in the same step or hours later. */
  | (MessageFault & { readonly kind: 'duplicate' })
  /** Messages take seconds and overtake each other. */
  | (MessageFault & { readonly kind: 'reorder' })
  /** Some devices reach no server. */
  | (Window & { readonly kind: 'partition'; readonly sharePermille: number })
  /** One server does not reach the store. */
  | (Window & { readonly kind: 'isolation'; readonly gateway: number })
  /** The power of one device goes at a write, counted from the first of the step on; it stays off for `steps`. */
  | (Window & { readonly kind: 'cut'; readonly device: number; readonly write: number })
  /** The clock of one device is wrong by `offsetMs`, or shows 1970, and runs fast or slow. */
  | (Window & {
      readonly kind: 'clock';
      readonly device: number;
      readonly is1970: boolean;
      readonly offsetMs: number;
      readonly driftPpm: number;
    })
  /** The disk of one device is full: nothing can be staged or installed, nor a journal be written. */
  | (Window & { readonly kind: 'full-disk'; readonly device: number })
  /** A server is killed in the midst of a step and started again `steps` later. */
  | (Window & { readonly kind: 'kill'; readonly gateway: number; readonly afterMs: number })
  /** The store is away from some moment of its first step on. */
  | (Window & { readonly kind: 'store-away'; readonly afterMs: number })
  /** Each call of the store takes seconds. */
  | (Window & { readonly kind: 'slow-store' })
  /** No fault either: a share of the fleet is not ready while it lasts, and then all ask at once, as a night shift does. */
  | (Window & { readonly kind: 'rush'; readonly sharePermille: number })
  /** No fault but the hardest moment for a server: a person pauses, and resumes `steps` later. */
  | (Window & {
      readonly kind: 'pause';
      readonly scope: PauseScope;
      readonly afterMs: number;
      readonly isIncludingRollback: boolean;
    });

export type FaultKind = Fault['kind'];

/** What a person may pause: the newest rollout, everything, or a region of the simulated fleet. */
export const PAUSE_SCOPES = ['rollout', 'global', 'region:eu', 'region:na', 'region:apac'] as const;
export type PauseScope = (typeof PAUSE_SCOPES)[number];

/** From when, and for how many steps of ten minutes. */
export interface Window {
  /** Unique in a run. */
  readonly id: number;
  readonly fromStep: number;
  readonly steps: number;
}

/** Whose messages, and how many of them. */
interface MessageFault extends Window {
  readonly sharePermille: number;
  readonly ratePermille: number;
}

const COUNT_MAX = 1_000_000;
const count = whole({ min: 0, max: COUNT_MAX });
const permille = whole({ min: 0, max: 1_000 });
const window = { id: count, fromStep: count, steps: whole({ min: 1, max: COUNT_MAX }) };
const message = { ...window, sharePermille: permille, ratePermille: permille };
/** A clock may be wrong by years, either way. */
const offset = whole({ min: -1_000_000_000_000, max: 1_000_000_000_000 });
const drift = whole({ min: -100_000, max: 100_000 });

/** Reads one fault of a case file. */
export const FAULT: Reader<Fault> = variant<Fault>({
  loss: record({ kind: literal('loss'), ...message }),
  delay: record({ kind: literal('delay'), ...message }),
  duplicate: record({ kind: literal('duplicate'), ...message }),
  reorder: record({ kind: literal('reorder'), ...message }),
  partition: record({ kind: literal('partition'), ...window, sharePermille: permille }),
  isolation: record({ kind: literal('isolation'), ...window, gateway: count }),
  cut: record({ kind: literal('cut'), ...window, device: count, write: count }),
  clock: record({
    kind: literal('clock'),
    ...window,
    device: count,
    is1970: bool,
    offsetMs: offset,
    driftPpm: drift,
  }),
  'full-disk': record({ kind: literal('full-disk'), ...window, device: count }),
  kill: record({ kind: literal('kill'), ...window, gateway: count, afterMs: count }),
  'store-away': record({ kind: literal('store-away'), ...window, afterMs: count }),
  rush: record({ kind: literal('rush'), ...window, sharePermille: permille }),
  'slow-store': record({ kind: literal('slow-store'), ...window }),
  pause: record({
    kind: literal('pause'),
    ...window,
    scope: oneOf(PAUSE_SCOPES),
    afterMs: count,
    isIncludingRollback: bool,
  }),
});

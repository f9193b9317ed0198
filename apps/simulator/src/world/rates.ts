// SPDX-License-Identifier: Apache-2.0
import { DAY_MS, type DurationMs, type FleetInstant, hours } from '@outrider/domain/kernel/time';

/** How often a kind of device comes into contact, and how likely it falls silent after an enrolment. */
export interface ContactClass {
  readonly name: 'often' | 'daily' | 'rare';
  readonly share: number;
  /** Mean time between two contacts while nothing is going on. */
  readonly contactMeanMs: DurationMs;
  /** Probability of no contact for at least 24, 72 and 168 h after an enrolment, with the server's re-polls. */
  readonly silent: { readonly day: number; readonly threeDays: number; readonly week: number };
}

/** Three classes of contact, 60, 35 and 5 % of the devices. Source: design of the decision rule, "The worlds". */
export const CONTACT_CLASSES: readonly ContactClass[] = [
  {
    name: 'often',
    share: 0.6,
    contactMeanMs: hours(4),
    silent: { day: 0.003, threeDays: 0.0008, week: 0.0004 },
  },
  {
    name: 'daily',
    share: 0.35,
    contactMeanMs: hours(12),
    silent: { day: 0.01, threeDays: 0.004, week: 0.0015 },
  },
  {
    name: 'rare',
    share: 0.05,
    contactMeanMs: hours(48),
    silent: { day: 0.05, threeDays: 0.03, week: 0.01 },
  },
];

/** Contacts come and go by this much over the day. */
export const CONTACT_SWING = 0.6;

/** After its offer a device becomes ready to install: exponential, with one of these means. */
export const READINESS_CLASSES = [
  { share: 0.7, meanMs: hours(8) },
  { share: 0.2, meanMs: hours(24) },
  { share: 0.07, meanMs: hours(96) },
  { share: 0.03, meanMs: hours(240) },
] as const;

/** A healthy image falls back with this probability: chance events of the boot, not the release's fault. */
export const REVERT_RATE = 0.000_15;
/** An attempt to install fails: no space, a cut, a cancelled drive. Tried again later, it mostly succeeds. */
export const INSTALL_FAILURE_RATE = 0.003;
/** What befalls a device that installs and one that does not. */
export type FaultEvent = 'crash' | 'sensor-fault';

/** What both arms report within 24 h of an enrolment, by chance. */
export const FAULT_RATES: readonly { readonly event: FaultEvent; readonly rate: number }[] = [
  { event: 'crash', rate: 0.03 },
  { event: 'sensor-fault', rate: 0.003 },
];

/** Failures come and go by this much over the day. */
export const FAILURE_SWING = 0.5;

/** A wave of one day around 1, highest at six in the morning: 1 + swing * sin(2 pi t / day). */
export function dayFactor(at: FleetInstant, swing: number): number {
  return 1 + swing * Math.sin((2 * Math.PI * (at % DAY_MS)) / DAY_MS);
}

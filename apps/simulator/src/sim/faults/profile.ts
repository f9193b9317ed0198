// SPDX-License-Identifier: Apache-2.0
import { prng } from '@outrider/domain/kernel/prng';
import type { FaultKind } from './fault.ts';

/** How many faults of each kind befall a fleet in a fleet day, on average; of the kinds of a device, for each 100 devices. */
export type FaultProfile = Readonly<Record<FaultKind, number>>;

/** What is documented of each kind: its rates, and one sentence for `--help`. */
interface FaultRates {
  readonly mild: number;
  readonly wild: number;
  readonly isOfDevice: boolean;
  readonly sentence: string;
}

/** `mild` is a bad week of a real fleet, `wild` one in which everything breaks at once. */
export const FAULT_RATES: Readonly<Record<FaultKind, FaultRates>> = {
  loss: { mild: 0.5, wild: 3, isOfDevice: false, sentence: 'messages or their answers get lost' },
  delay: { mild: 0.3, wild: 2, isOfDevice: false, sentence: 'messages arrive after the device gave up' },
  duplicate: { mild: 0.3, wild: 2, isOfDevice: false, sentence: 'messages arrive twice' },
  reorder: { mild: 0.3, wild: 2, isOfDevice: false, sentence: 'messages overtake each other' },
  partition: { mild: 0.2, wild: 1, isOfDevice: false, sentence: 'a part of the fleet reaches no server' },
  isolation: { mild: 0.1, wild: 1, isOfDevice: false, sentence: 'a server does not reach the store' },
  cut: { mild: 1, wild: 10, isOfDevice: true, sentence: 'a device loses power at a write' },
  clock: { mild: 0.5, wild: 4, isOfDevice: true, sentence: 'a device has a wrong clock' },
  'full-disk': { mild: 0.5, wild: 3, isOfDevice: true, sentence: 'a device has a full disk' },
  kill: { mild: 0.2, wild: 2, isOfDevice: false, sentence: 'a server is killed' },
  'store-away': { mild: 0.1, wild: 1, isOfDevice: false, sentence: 'the store is away' },
  'slow-store': { mild: 0.1, wild: 1, isOfDevice: false, sentence: 'the store takes seconds' },
  rush: { mild: 0.2, wild: 1, isOfDevice: false, sentence: 'devices wait, and then all ask at once' },
  pause: { mild: 0.2, wild: 1.5, isOfDevice: false, sentence: 'a person pauses, mostly in a rush, and resumes' },
};

// The table is total over the kinds: its keys are they.
export const FAULT_KINDS = Object.keys(FAULT_RATES) as readonly FaultKind[];

export type ProfileName = 'none' | 'mild' | 'wild';

/** The profile of this name. */
export function profileOf(name: ProfileName): FaultProfile {
  return profileBy((kind) => (name === 'none' ? 0 : FAULT_RATES[kind][name]));
}

/** A profile of its own for each run of a swarm: some kinds not at all, the others up to twice as often as `wild`. */
export function drawProfile(seed: string): FaultProfile {
  const source = prng(`${seed}/profile`);
  return profileBy((kind) => {
    const isAbsent = source.next() < ABSENT_SHARE;
    const factor = RATE_FACTOR_MAX * source.next() ** 2;
    return isAbsent ? 0 : FAULT_RATES[kind].wild * factor;
  });
}

/** Of the kinds, those that a run of a swarm is without: a bug may need the quiet of all but one. */
const ABSENT_SHARE = 0.4;
const RATE_FACTOR_MAX = 2;

function profileBy(rateOf: (kind: FaultKind) => number): FaultProfile {
  // Each kind of the total table gets its rate.
  return Object.fromEntries(FAULT_KINDS.map((kind) => [kind, rateOf(kind)])) as FaultProfile;
}

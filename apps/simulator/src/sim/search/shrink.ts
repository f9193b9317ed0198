// SPDX-License-Identifier: Apache-2.0

import { STEPS_PER_DAY } from '../faults/draw-faults.ts';
import type { Fault } from '../faults/fault.ts';
import type { Violation } from '../oracles/violation.ts';
import type { SimCase } from '../sim-case.ts';

/** A case and the promise that it breaks. */
export interface Broken {
  readonly simCase: SimCase;
  readonly violation: Violation;
}

export interface ShrinkOptions {
  /** Plays a case; undefined when it holds. */
  readonly play: (simCase: SimCase) => Promise<Violation | undefined>;
  /** Runs that may be spent. */
  readonly runsMax: number;
  /** Told of each smaller case. */
  readonly onSmaller?: (broken: Broken, runs: number) => void;
}

/**
 * The smallest case that was found to break the same promise: fewer faults by delta debugging (Zeller and Hildebrandt,
 * "Simplifying and isolating failure-inducing input", 2002), then fewer days, devices and servers, and again until nothing
 * can be left out or the runs are spent.
 */
export async function shrink(found: Broken, options: ShrinkOptions): Promise<Broken & { readonly runs: number }> {
  const { play, runsMax, onSmaller } = options;
  let smallest = found;
  let runs = 0;

  /** Takes the case over when it breaks the same promise. */
  async function tryCase(simCase: SimCase): Promise<boolean> {
    if (runs >= runsMax) return false;
    runs++;
    const violation = await play(simCase);
    if (violation?.oracle !== found.violation.oracle) return false;
    smallest = { simCase, violation };
    onSmaller?.(smallest, runs);
    return true;
  }

  async function withoutFaults(): Promise<void> {
    let pieces = 2;
    while (smallest.simCase.faults.length > 0) {
      const { faults } = smallest.simCase;
      const size = Math.max(1, Math.ceil(faults.length / pieces));
      const rests = restsOf(faults, size);
      let isSmaller = false;
      for (const rest of rests) {
        isSmaller = await tryCase({ ...smallest.simCase, faults: rest });
        if (isSmaller) break;
      }
      if (isSmaller) pieces = Math.max(2, pieces - 1);
      else if (size === 1 || runs >= runsMax) return;
      else pieces = Math.min(faults.length, pieces * 2);
    }
  }

  async function fewerOf(name: 'deviceCount' | 'daysMax' | 'gatewayCount', countMin: number): Promise<void> {
    for (const share of [0.25, 0.5, 0.75, 0.9]) {
      for (;;) {
        const before = smallest.simCase[name];
        const count = Math.max(countMin, Math.min(before - 1, Math.floor(before * share)));
        if (count >= before || !(await tryCase({ ...smallest.simCase, [name]: count }))) break;
      }
    }
  }

  await tryCase(upTo(smallest));
  for (let before = -1; before !== sizeOf(smallest.simCase) && runs < runsMax; ) {
    before = sizeOf(smallest.simCase);
    await withoutFaults();
    await fewerOf('daysMax', 1);
    await fewerOf('deviceCount', 1);
    await fewerOf('gatewayCount', 1);
    await tryCase(upTo(smallest));
  }
  return { ...smallest, runs };
}

/** What begins after the end cannot have led to it. */
function upTo({ simCase, violation }: Broken): SimCase {
  const faults = simCase.faults.filter((fault) => violation.step === 0 || fault.fromStep <= violation.step);
  const daysNeeded = Math.ceil((violation.step + 1) / STEPS_PER_DAY);
  return {
    ...simCase,
    faults,
    daysMax: violation.step === 0 ? simCase.daysMax : Math.min(simCase.daysMax, daysNeeded),
  };
}

/** The list without one piece of `size`, for each piece: nothing at all first. */
function restsOf(faults: readonly Fault[], size: number): readonly (readonly Fault[])[] {
  const rests: (readonly Fault[])[] = size >= faults.length / 2 ? [[]] : [];
  for (let start = 0; start < faults.length; start += size) {
    rests.push([...faults.slice(0, start), ...faults.slice(start + size)]);
  }
  return rests;
}

function sizeOf({ faults, deviceCount, daysMax, gatewayCount }: SimCase): number {
  return faults.length + deviceCount + daysMax + gatewayCount;
}

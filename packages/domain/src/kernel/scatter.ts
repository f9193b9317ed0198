// SPDX-License-Identifier: Apache-2.0
import { binomial } from './binomial.ts';
import { below, type Prng } from './prng.ts';

/** Places that are equally likely, and what takes in the devices of one: never called with none. */
export interface Bins {
  readonly bins: number;
  readonly put: (bin: number, devices: number) => void;
}

/** Puts `devices` one by one, each equally likely, into the bins, through `put(bin, devices)`: exact at any number. */
export function scatter(source: Prng, devices: number, into: Bins): void {
  let left = devices;
  if (devices <= SINGLE_DRAWS_PER_BIN * into.bins) {
    for (; left > 0; left--) into.put(below(source, into.bins), 1);
    return;
  }
  for (let bin = 0; bin < into.bins && left > 0; bin++) {
    const here = binomial(source, left, 1 / (into.bins - bin));
    if (here > 0) into.put(bin, here);
    left -= here;
  }
}

/** One draw a device costs as much as one binomial draw a bin at about this many. */
const SINGLE_DRAWS_PER_BIN = 3;

// SPDX-License-Identifier: Apache-2.0
import { PowerCut } from '@outrider/testkit/memory-storage';
import type { FaultOf, Weather } from './faults/weather.ts';

/** Stands before every durable effect of one device and cuts the power where a fault says so. */
export interface PowerGate {
  /** Throws PowerCut where the power goes. */
  pass(effect: string): void;
  /** For how many steps the last cut lasts. */
  offSteps(): number;
}

export function powerGate(weather: Weather, device: number): PowerGate {
  const cuts = [...weather.ofDevice('cut', device)];
  let armed: { readonly fault: FaultOf<'cut'>; writesLeft: number } | undefined;
  let offSteps = 1;
  return {
    pass(effect) {
      const [next] = cuts;
      if (armed === undefined && next !== undefined && next.fromStep <= weather.step) {
        armed = { fault: next, writesLeft: next.write };
        cuts.shift();
      }
      if (armed === undefined || armed.writesLeft-- > 0) return;
      offSteps = armed.fault.steps;
      armed = undefined;
      throw new PowerCut(`The power went before ${effect}`);
    },
    offSteps: () => offSteps,
  };
}

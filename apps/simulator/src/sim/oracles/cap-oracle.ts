// SPDX-License-Identifier: Apache-2.0
import type { Oracle } from './observation.ts';

interface Counted {
  cap: number;
  granted: number;
}

/** No permit above the cap, over the whole rollout and in each segment: rows are counted here, caps are as stored. */
export function capOracle(): Oracle {
  const seen = new Set<string>();
  const counts = new Map<string, Counted>();

  function countOf(name: string): Counted {
    const known = counts.get(name) ?? { cap: 0, granted: 0 };
    counts.set(name, known);
    return known;
  }

  return {
    name: 'cap',
    see(observation) {
      if (observation.kind === 'exposure-stored') {
        const { rolloutId, cap, segments } = observation.exposure;
        // Caps never fall: of two writers the higher one holds.
        raise(countOf(rolloutId), cap);
        for (const one of segments) raise(countOf(`${rolloutId} ${one.segment}`), one.cap);
        return undefined;
      }
      if (observation.kind !== 'permit-committed') return undefined;
      const { rolloutId, segment, kind, arm, permitId, deviceId } = observation.row;
      if (kind !== 'enrolment' || arm !== 'treated' || seen.has(permitId)) return undefined;
      seen.add(permitId);
      for (const name of [rolloutId, `${rolloutId} ${segment}`]) {
        const count = countOf(name);
        count.granted++;
        if (count.granted > count.cap) {
          return `${count.granted} permits in ${name}, the cap is ${count.cap}; the last is ${permitId} of ${deviceId}`;
        }
      }
      return undefined;
    },
  };
}

function raise(count: Counted, cap: number): void {
  count.cap = Math.max(count.cap, cap);
}

// SPDX-License-Identifier: Apache-2.0
import type { FleetClock } from '@outrider/domain/kernel/clock';
import { ok } from '@outrider/domain/kernel/result';
import type { FleetInstant } from '@outrider/domain/kernel/time';
import { utf8Length } from '@outrider/domain/trust/envelope';
import type { MetadataSource } from '@outrider/domain/trust/tuf/ports';

/**
 * A cache between the devices of one process and their servers, as a CDN is one for a fleet: documents with a version in their
 * name are fetched once; a timestamp, and what there is not, once in each step of fleet time.
 */
export function nearbyCache(source: MetadataSource, clock: FleetClock): MetadataSource {
  const fixed = new Map<string, Fetched>();
  let step: { readonly at: FleetInstant; readonly documents: Map<string, Fetched> } | undefined;

  async function load(name: string, bytesMax: number, documents: Map<string, Fetched>): ReturnType<Fetch> {
    const answer = await source.fetchMetadata(name, bytesMax);
    // What did not come is asked for again by the next device.
    if (!answer.ok) documents.delete(name);
    else if (answer.value !== undefined && VERSIONED.test(name)) fixed.set(name, Promise.resolve(answer));
    return answer;
  }

  return {
    async fetchMetadata(name, bytesMax) {
      const now = clock.now();
      if (step?.at !== now) step = { at: now, documents: new Map() };
      const known = fixed.get(name) ?? step.documents.get(name);
      const asked = known ?? load(name, bytesMax, step.documents);
      if (known === undefined) step.documents.set(name, asked);
      const answer = await asked;
      const isLonger = answer.ok && answer.value !== undefined && isAbove(answer.value, bytesMax);
      // Another asker allowed more: this one looks for itself, and is told what it would be told without us.
      return isLonger ? source.fetchMetadata(name, bytesMax) : answer.ok ? ok(answer.value) : answer;
    },
  };
}

type Fetch = MetadataSource['fetchMetadata'];
type Fetched = ReturnType<Fetch>;

/** No text has more bytes than three times its characters: most are not counted. */
function isAbove(text: string, bytesMax: number): boolean {
  return 3 * text.length > bytesMax && utf8Length(text) > bytesMax;
}

const VERSIONED = /\/\d+\.[^/]+$/;

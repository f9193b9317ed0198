// SPDX-License-Identifier: Apache-2.0
import type { FleetClock } from '@outrider/domain/kernel/clock';
import type { FleetInstant } from '@outrider/domain/kernel/time';
import { utf8Length } from '@outrider/domain/trust/envelope';
import type { MetadataSource } from '@outrider/domain/trust/tuf/ports';

/**
 * A cache between the devices of one process and their servers, as a CDN is one for a fleet: documents with a version in their
 * name are fetched once; a timestamp, and what there is not, once in each step of fleet time.
 */
export function nearbyCache(source: MetadataSource, clock: FleetClock): MetadataSource {
  const fixed = new Map<string, Kept>();
  let step: { readonly at: FleetInstant; readonly documents: Map<string, Kept> } | undefined;

  async function load(name: string, bytesMax: number, documents: Map<string, Kept>): Fetched {
    const answer = await source.fetchMetadata(name, bytesMax);
    // What did not come is asked for again by the next device.
    if (!answer.ok) documents.delete(name);
    else if (answer.value === undefined || !VERSIONED.test(name)) documents.set(name, keptOf(answer));
    else fixed.set(name, keptOf(answer));
    return answer;
  }

  /** Another asker allowed more: this one looks for itself, and is told what it would be told without us. */
  async function unlessLonger(asked: Fetched, name: string, bytesMax: number): Fetched {
    const answer = await asked;
    return answer.ok && isAbove(answer.value, bytesMax) ? source.fetchMetadata(name, bytesMax) : answer;
  }

  return {
    fetchMetadata(name, bytesMax) {
      const now = clock.now();
      if (step?.at !== now) step = { at: now, documents: new Map() };
      const known = fixed.get(name) ?? step.documents.get(name);
      // Most ask for what is here: they are given the very promise.
      if (known?.isHere && !isAbove(known.text, bytesMax)) return known.asked;
      const asked = known?.asked ?? load(name, bytesMax, step.documents);
      if (known === undefined) step.documents.set(name, { asked, isHere: false });
      return unlessLonger(asked, name, bytesMax);
    },
  };
}

type Fetch = MetadataSource['fetchMetadata'];
type Fetched = ReturnType<Fetch>;

interface Kept {
  readonly asked: Fetched;
  readonly isHere: boolean;
  readonly text?: string | undefined;
}

function keptOf(answer: Extract<Awaited<Fetched>, { readonly ok: true }>): Kept {
  return { asked: Promise.resolve(answer), isHere: true, text: answer.value };
}

/** No text has more bytes than three times its characters: most are not counted. */
function isAbove(text: string | undefined, bytesMax: number): boolean {
  return text !== undefined && 3 * text.length > bytesMax && utf8Length(text) > bytesMax;
}

const VERSIONED = /\/\d+\.[^/]+$/;

// SPDX-License-Identifier: Apache-2.0
import type { VerdictNote } from '@outrider/domain/decision/overview';
import type { RepeatedVerdict } from '@outrider/protocol/decision/overview';

/** Decisions newest first; those of one rollout in a row that say the same are one, with how often and since when. */
export function joinVerdicts(notes: readonly VerdictNote[]): readonly RepeatedVerdict[] {
  const joined: RepeatedVerdict[] = [];
  const latest = new Map<string, number>();
  for (const note of notes) {
    const place = latest.get(note.rolloutId);
    const newer = place === undefined ? undefined : joined[place];
    if (place !== undefined && newer?.kind === note.kind && newer.reason === note.reason) {
      joined[place] = { ...newer, since: note.at, count: newer.count + 1 };
    } else {
      latest.set(note.rolloutId, joined.length);
      joined.push({ ...note, since: note.at, count: 1 });
    }
  }
  return joined;
}

// SPDX-License-Identifier: Apache-2.0
import type { FleetInstant } from '@outrider/domain/kernel/time';
import { MINUTE_MS } from '@outrider/domain/kernel/time';
import { type LedgerEntry, listUnder, type MemoryState } from './state.ts';

/**
 * Where PostgreSQL has an index on each instant of a row: entries by the slot of ten minutes in which something happened to
 * them, so that a round of counting looks at what is new and not at every row of a rollout.
 */
interface TouchIndex {
  readonly granted: Map<number, LedgerEntry[]>;
  readonly heard: Map<number, LedgerEntry[]>;
}

const SLOT_MS = 10 * MINUTE_MS;

/** One index for each rollout of a store; it lives as long as the store's table of rollouts. */
const indexes = new WeakMap<MemoryState['ledgerOfRollout'], Map<string, TouchIndex>>();

/** A row was granted at this instant. */
export function noteGranted(state: MemoryState, entry: LedgerEntry): void {
  const { grantedAt } = entry.outcome.row;
  listUnder(indexOf(state, entry.outcome.row.rolloutId).granted, slotOf(grantedAt)).push(entry);
}

/** Something was heard of a row at this instant. */
export function noteHeard(state: MemoryState, entry: LedgerEntry, at: FleetInstant): void {
  listUnder(indexOf(state, entry.outcome.row.rolloutId).heard, slotOf(at)).push(entry);
}

/** All entries that may be touched in (afterMs, upTo], each once, by position; some may not be. */
export function maybeTouched(
  state: MemoryState,
  rolloutId: LedgerEntry['outcome']['row']['rolloutId'],
  {
    afterMs,
    upTo,
    windowsMs,
  }: { readonly afterMs: number; readonly upTo: number; readonly windowsMs: readonly number[] },
): readonly LedgerEntry[] {
  const all = state.ledgerOfRollout.get(rolloutId) ?? [];
  // From the beginning of time: slots are no help.
  if ((upTo - afterMs) / SLOT_MS > all.length) return all;
  const { granted, heard } = indexOf(state, rolloutId);
  const found = new Set<LedgerEntry>();
  collect(granted, { afterMs, upTo }, found);
  collect(heard, { afterMs, upTo }, found);
  for (const windowMs of windowsMs) collect(granted, { afterMs: afterMs - windowMs, upTo: upTo - windowMs }, found);
  return [...found].sort((a, b) => a.outcome.position - b.outcome.position);
}

function collect(
  slots: ReadonlyMap<number, readonly LedgerEntry[]>,
  { afterMs, upTo }: { readonly afterMs: number; readonly upTo: number },
  found: Set<LedgerEntry>,
): void {
  for (let slot = slotOf(afterMs); slot <= slotOf(upTo); slot++) {
    for (const entry of slots.get(slot) ?? []) found.add(entry);
  }
}

function slotOf(at: number): number {
  return Math.floor(at / SLOT_MS);
}

function indexOf({ ledgerOfRollout }: MemoryState, rolloutId: string): TouchIndex {
  const ofStore = indexes.get(ledgerOfRollout) ?? new Map<string, TouchIndex>();
  indexes.set(ledgerOfRollout, ofStore);
  const index = ofStore.get(rolloutId) ?? { granted: new Map(), heard: new Map() };
  ofStore.set(rolloutId, index);
  return index;
}

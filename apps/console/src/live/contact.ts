// SPDX-License-Identifier: Apache-2.0
import type { Overview } from '@outrider/protocol/decision/overview';

/** What this page knows about its own touch with the server. Times are those of this machine, in milliseconds. */
export interface Contact {
  /** When the newest overview came; absent before the first. */
  readonly heardAtMs?: number;
  /** Why the last try failed, if nothing has been heard since. */
  readonly fault?: ContactFault;
}

export type ContactFault =
  | 'unreachable'
  /** The token was refused: signing in again is all that helps. */
  | 'token-refused'
  /** The stream speaks of things that this page does not know. */
  | 'page-outdated'
  | 'too-many-watch';

/** How fresh the figures on the page are, in the one word that the page shows. */
export type Freshness =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'live' }
  /** Older than they should be: shown, but never as if they were of now. */
  | { readonly kind: 'stale'; readonly sinceMs: number; readonly fault?: ContactFault }
  | { readonly kind: 'never-heard'; readonly fault: ContactFault }
  /** The server answers and cannot read its own database: its figures are as old as it says. */
  | { readonly kind: 'store-away'; readonly sinceMs: number };

/** The server sends an overview a second; four that are missing are no hiccup of the network. */
export const SILENCE_MS_MAX = 5_000;

/** Says how fresh the figures are. A fault is told at once, silence after `SILENCE_MS_MAX`. */
export function freshnessOf(contact: Contact, overview: Overview | undefined, nowMs: number): Freshness {
  const { heardAtMs, fault } = contact;
  if (heardAtMs === undefined || overview === undefined) {
    return fault === undefined ? { kind: 'connecting' } : { kind: 'never-heard', fault };
  }
  if (fault !== undefined) return { kind: 'stale', sinceMs: heardAtMs, fault };
  if (nowMs - heardAtMs > SILENCE_MS_MAX) return { kind: 'stale', sinceMs: heardAtMs };
  const { isFresh, snapshotAgeMs, database } = overview.vitals;
  if (!isFresh || !database.isReachable) return { kind: 'store-away', sinceMs: heardAtMs - (snapshotAgeMs ?? 0) };
  return { kind: 'live' };
}

// SPDX-License-Identifier: Apache-2.0

/** What a proof tells a server that it stands around, a line of JSON each. */
export type Order =
  /** Freezes itself when the answer to a statement with these words has come, after `skip` of them: at an await of the server. */
  | { readonly kind: 'stop-at'; readonly point: string; readonly skip: number }
  | { readonly kind: 'notices'; readonly isDropping: boolean; readonly delayMs: number }
  /** The wall clock that the process sees, against the machine's. */
  | { readonly kind: 'clock'; readonly aheadMs: number };

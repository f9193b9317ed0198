// SPDX-License-Identifier: Apache-2.0

/** How every command ends. Codes never change: scripts branch on them. */
export const EXIT_CODES = {
  /** Done. */
  ok: 0,
  /** It was tried and did not work: a file could not be read or written, an answer made no sense, the server failed. */
  failed: 1,
  /** A flag, a word or a file's content is wrong: nothing was tried. */
  usage: 2,
  /** The release, rollout, device or file that was named does not exist. */
  'not-found': 3,
  /** The server or a rule said no: a stale revision, a missing signature, an impossible transition. */
  refused: 4,
  /** No server answered. */
  unreachable: 5,
} as const satisfies Readonly<Record<string, number>>;

export type ExitName = keyof typeof EXIT_CODES;

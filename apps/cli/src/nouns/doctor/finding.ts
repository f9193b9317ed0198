// SPDX-License-Identifier: Apache-2.0

/** What one check of `outrider doctor` says. */
export interface Finding {
  /** Names the check for good: scripts look for it. */
  readonly check: CheckName;
  readonly state: 'ok' | 'warn' | 'wrong';
  /** What was seen. */
  readonly seen: string;
  /** What to do, where it is not ok. */
  readonly mend?: string;
}

/** Everything that is looked at, in the order in which it is shown. */
export const CHECKS = [
  'node',
  'binaries',
  'clock',
  'settings',
  'data-folder',
  'data-rights',
  'disk-space',
  'disk-inodes',
  'file-system',
  'restore',
  'admin-token',
  'registration-token',
  'metrics-token',
  'permit-key',
  'release-role',
  'trust',
  'ca',
  'database',
  'database-schema',
  'database-clock',
  'database-connections',
  'database-encryption',
  'port',
  'server',
  'snapshot',
  'server-clock',
  'backup',
] as const;

export type CheckName = (typeof CHECKS)[number];

export function ok(check: CheckName, seen: string): Finding {
  return { check, state: 'ok', seen };
}

/** It works, and somebody should look at it. */
export function warn(check: CheckName, seen: string, mend: string): Finding {
  return { check, state: 'warn', seen, mend };
}

/** It does not work, or is not safe. */
export function wrong(check: CheckName, seen: string, mend: string): Finding {
  return { check, state: 'wrong', seen, mend };
}

/** The whole in one word: the worst of all. */
export function worstOf(findings: readonly Finding[]): Finding['state'] {
  if (findings.some(({ state }) => state === 'wrong')) return 'wrong';
  return findings.some(({ state }) => state === 'warn') ? 'warn' : 'ok';
}

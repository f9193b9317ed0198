// SPDX-License-Identifier: Apache-2.0
import { type Finding, ok, warn, wrong } from './finding.ts';

/** The runtime this command runs with, which is the server's too. */
export interface RuntimeFacts {
  /** For example `v26.10.0`. */
  readonly nodeVersion: string;
  /** For example `linux-x64`. */
  readonly platform: string;
  /** The version of PostgreSQL's binaries, or why there are none. */
  readonly binaries: { readonly version: string } | { readonly fault: string };
  /** A database of one's own needs no binaries. */
  readonly hasOwnDatabase: boolean;
  /** The clock of this machine, in milliseconds since 1970. */
  readonly nowMs: number;
}

/** The runtime that the package brings; it strips types and has zstd inside. */
const NODE_MAJOR_MIN = 26;
/** Before this program was written: a machine whose clock was never set. */
const CLOCK_MIN_MS = Date.UTC(2025, 0, 1);
/** No certificate or plan of ours reaches so far. */
const CLOCK_MAX_MS = Date.UTC(2100, 0, 1);

export function runtimeChecks(facts: RuntimeFacts): readonly Finding[] {
  return [nodeCheck(facts), binariesCheck(facts), clockCheck(facts)];
}

function nodeCheck({ nodeVersion }: RuntimeFacts): Finding {
  const major = Number(/^v(\d+)\./.exec(nodeVersion)?.[1]);
  if (major >= NODE_MAJOR_MIN) return ok('node', nodeVersion);
  return wrong('node', nodeVersion, `Run it with Node ${NODE_MAJOR_MIN} or newer: \`npm ci\` brings it`);
}

function binariesCheck({ binaries, platform, hasOwnDatabase }: RuntimeFacts): Finding {
  if ('version' in binaries) return ok('binaries', `PostgreSQL ${binaries.version} for ${platform}`);
  if (hasOwnDatabase) return ok('binaries', `None for ${platform}, and none needed: a database URL is set`);
  return wrong('binaries', binaries.fault, 'Install it again with its optional dependencies, or set DATABASE_URL');
}

function clockCheck({ nowMs }: RuntimeFacts): Finding {
  const seen = new Date(nowMs).toISOString();
  const mend = 'Set the clock of this machine and let NTP keep it';
  if (nowMs < CLOCK_MIN_MS) return wrong('clock', seen, mend);
  return nowMs < CLOCK_MAX_MS ? ok('clock', seen) : warn('clock', seen, mend);
}

// SPDX-License-Identifier: Apache-2.0
import { parseArgs } from 'node:util';
import { SEED_ALLOWED, SEED_PATTERN, UsageError, wholeOf } from '../flag-values.ts';

/** What the simulator is started with. */
export interface SimFlags {
  readonly seed: string;
  readonly deviceCount: number;
  readonly daysMax: number;
  readonly logPath: string | undefined;
  /** Counted from 1. */
  readonly alteredPermit: number | undefined;
}

export const USAGE = `The simulator: the real server and real agents in one process, in simulated time, all chance from one seed.

  --seed <text>          of all chance and all keys (default 42)
  --devices <count>      devices of the fleet (default 300, 20 to 5000)
  --days <count>         most fleet days of one rollout (default 20, 1 to 60)
  --log <file>           write the event log: canonical JSON, a line for each event
  --alter-permit <n>     alter the n-th permit of the log, as a tampered ledger would have it: the digest tells
  --help

The last line is the SHA-256 of the event log. The same seed gives the same digest, on every machine.
`;

/** Fewer devices have no arms to compare; more are for the demonstration and the benches. */
const DEVICES = { min: 20, max: 5_000 };
const DAYS = { min: 1, max: 60 };
const PERMITS = { min: 1, max: 1_000_000 };

/** Reads the flags; undefined when only help was asked for. Throws UsageError. */
export function readFlags(parameters: readonly string[]): SimFlags | undefined {
  const { seed, devices, days, log, 'alter-permit': alterPermit, help } = parse(parameters);
  if (help) return undefined;
  if (!SEED_PATTERN.test(seed)) throw new UsageError(`The flag --seed is ${seed}; allowed are ${SEED_ALLOWED}`);
  return {
    seed,
    deviceCount: wholeOf('--devices', devices, DEVICES),
    daysMax: wholeOf('--days', days, DAYS),
    logPath: log,
    alteredPermit: alterPermit === undefined ? undefined : wholeOf('--alter-permit', alterPermit, PERMITS),
  };
}

function parse(parameters: readonly string[]) {
  try {
    return parseArgs({
      args: [...parameters],
      options: {
        seed: { type: 'string', default: '42' },
        devices: { type: 'string', default: '300' },
        days: { type: 'string', default: '20' },
        log: { type: 'string' },
        'alter-permit': { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (cause) {
    // parseArgs throws a TypeError whose message names what it does not know.
    if (cause instanceof TypeError) throw new UsageError(`${cause.message}; see --help`, { cause });
    throw cause;
  }
}

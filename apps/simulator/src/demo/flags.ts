// SPDX-License-Identifier: Apache-2.0
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { SEED_ALLOWED, SEED_PATTERN, UsageError, wholeOf } from '../flag-values.ts';

/** What the demonstration is started with. */
export interface DemoFlags {
  readonly isOnce: boolean;
  readonly isJson: boolean;
  readonly deviceCount: number;
  /** Absent: the number of the round. */
  readonly seed: string | undefined;
  readonly dataFolder: string;
  /** 0: any free one. */
  readonly port: number;
}

export const USAGE = `The demonstration: a good release reaches a whole fleet, a bad one is caught, halted and rolled back.

  --once              play one round, print its report, stop everything and exit
  --json              print the report as one line of JSON on standard output, everything else on standard error
  --devices <count>   simulated devices beside the three real agents (default 2000, 100 to 20000)
  --seed <text>       of all chance in the world (default: the number of the round)
  --data <folder>     where everything is kept (default: .outrider/demo in the checkout)
  --port <port>       of the server on this machine (default 0: any free one)
  --help
`;

const DEVICES_DEFAULT = '2000';
/** Fewer do not fill the arms of a trial; more do not fit the minutes of a demonstration. */
const DEVICES_MIN = 100;
const DEVICES_MAX = 20_000;
const PORT_MAX = 65_535;

/** Reads the flags; undefined when only help was asked for. `root` is the checkout. Throws UsageError. */
export function readFlags(parameters: readonly string[], root: string): DemoFlags | undefined {
  const { once, json, devices, seed, data, port, help } = parse(parameters);
  if (help) return undefined;
  if (seed !== undefined && !SEED_PATTERN.test(seed)) {
    throw new UsageError(`The flag --seed is ${seed}; allowed are ${SEED_ALLOWED}`);
  }
  return {
    isOnce: once,
    isJson: json,
    deviceCount: wholeOf('--devices', devices, { min: DEVICES_MIN, max: DEVICES_MAX }),
    seed,
    dataFolder: resolve(data ?? join(root, '.outrider', 'demo')),
    port: wholeOf('--port', port, { min: 0, max: PORT_MAX }),
  };
}

function parse(parameters: readonly string[]) {
  try {
    return parseArgs({
      args: [...parameters],
      options: {
        once: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        devices: { type: 'string', default: DEVICES_DEFAULT },
        seed: { type: 'string' },
        data: { type: 'string' },
        port: { type: 'string', default: '0' },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (cause) {
    // parseArgs throws a TypeError whose message names what it does not know.
    if (cause instanceof TypeError) throw new UsageError(`${cause.message}; see --help`, { cause });
    throw cause;
  }
}

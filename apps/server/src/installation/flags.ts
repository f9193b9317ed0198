// SPDX-License-Identifier: Apache-2.0
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { StartError } from '../exit-codes.ts';

/** What the server is started with. */
export interface Flags {
  readonly dataFolder: string;
  /** 0: any free one. */
  readonly port: number;
  readonly host: string;
  readonly clock: 'wall' | 'conducted';
  /** Who must sign releases; a file that need not be there yet, unless it was named. */
  readonly releaseRoleFile: string;
  readonly isReleaseRoleNamed: boolean;
}

export const USAGE = `Usage: server --data <folder> [--port 8440] [--host 127.0.0.1] [--clock wall|conducted] [--release-role <file>]
  --data          where everything is kept; made if it is missing
  --port          0 for any free one; see server.json in the data folder
  --host          the address to listen on
  --clock         conducted: fleet time stands still until it is stepped (demonstration, simulator)
  --release-role  who must sign releases (default: release-role.json in the data folder)
Environment: DATABASE_URL for a PostgreSQL of your own; without it one is started in the data folder
`;

const PORT_DEFAULT = '8440';

/** Reads the flags. Throws StartError: usage. */
export function readFlags(parameters: readonly string[]): Flags {
  const { data, port, host, clock, 'release-role': releaseRole } = parse(parameters);
  // An empty text would be the folder the server was started in, as where a variable of a script was not set.
  if (data === undefined || data === '')
    throw new StartError('usage', `The flag --data is missing; name the data folder\n${USAGE}`);
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) {
    throw new StartError('usage', `The port is ${port}; allowed is a whole number from 0 to 65535`);
  }
  if (clock !== 'wall' && clock !== 'conducted') {
    throw new StartError('usage', `The clock is ${clock}; allowed are wall and conducted`);
  }
  const dataFolder = resolve(data);
  return {
    dataFolder,
    port: Number(port),
    host,
    clock,
    releaseRoleFile: releaseRole === undefined ? join(dataFolder, 'release-role.json') : resolve(releaseRole),
    isReleaseRoleNamed: releaseRole !== undefined,
  };
}

function parse(parameters: readonly string[]) {
  try {
    return parseArgs({
      args: [...parameters],
      options: {
        data: { type: 'string' },
        port: { type: 'string', default: PORT_DEFAULT },
        host: { type: 'string', default: '127.0.0.1' },
        clock: { type: 'string', default: 'wall' },
        'release-role': { type: 'string' },
      },
    }).values;
  } catch (cause) {
    // parseArgs throws a TypeError whose message names the flag that it does not know.
    if (cause instanceof TypeError) throw new StartError('usage', `${cause.message}\n${USAGE}`, cause);
    throw cause;
  }
}

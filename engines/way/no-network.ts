// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';

/** A place where programs reach each other on the loopback interface and nothing else. */
export interface NoNetwork {
  /** Stands before each command line. */
  readonly wrapper: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** What was taken away, for the report of the test. */
  readonly how: string;
  end(): void;
}

/** A network of its own with the loopback interface alone, where this process may make one; else proxies that lead nowhere. */
export async function noNetwork(): Promise<NoNetwork> {
  const holder = spawn('unshare', ['--net', 'sh', '-c', `${LOOPBACK_UP} && echo up && exec sleep 3600`], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const failed = Promise.race([once(holder, 'close'), once(holder, 'error')]).then(() => false);
  const isMade = await Promise.race([once(holder.stdout, 'data').then(() => true), failed]);
  const how = 'a network of its own with the loopback interface alone';
  const wrapper = ['nsenter', `--target=${holder.pid}`, '--net'];
  if (isMade) return { wrapper, environment: {}, how, end: () => holder.kill() };
  return { wrapper: [], environment: proxiesToNowhere(), how: 'proxies that lead nowhere', end: () => {} };
}

/** `ip` is not on every machine; perl is on each Debian. 0x8914 sets the flags of an interface, 0x41 says up and running. */
const LOOPBACK_UP = `{ ip link set lo up 2>/dev/null || perl -MSocket -e '
  socket(my $any, AF_INET, SOCK_DGRAM, 0) or die; my $flags = pack("a16 s x14", "lo", 0x41); ioctl($any, 0x8914, $flags) or die'; }`;

/** Port 9 discards; on this machine nothing listens there. */
const NOWHERE = 'http://127.0.0.1:9';

function proxiesToNowhere(): Readonly<Record<string, string>> {
  const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY'].flatMap((name) => [name, name.toLowerCase()]);
  return {
    ...Object.fromEntries(names.map((name) => [name, NOWHERE])),
    NODE_USE_ENV_PROXY: '1',
    NO_PROXY: '127.0.0.1,localhost',
  };
}

/** A user every Unix has and nobody is; PostgreSQL wants one with a name. */
const NOBODY = 65_534;

/** Stands before a command line so that it runs as an ordinary user; undefined where this process is one already. */
export function asOrdinaryUser(): readonly string[] | undefined {
  if (process.getuid?.() !== 0) return undefined;
  return ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
}

/** Whom folders must belong to that such a command writes to. */
export const ORDINARY_USER = { uid: NOBODY, gid: NOBODY } as const;

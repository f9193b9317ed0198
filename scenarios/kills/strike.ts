// SPDX-License-Identifier: Apache-2.0
import { delay } from '@outrider/adapters/shared/delay';
import type { Installation } from '@outrider/simulator/compose';
import type { Strike } from './plan.ts';

/** Delivers one blow and resolves with how many processes were cut off by it: none, where none ran at that moment. */
export async function deliver(installation: Installation, strike: Strike): Promise<number> {
  switch (strike.kind) {
    case 'server':
      return killServer(installation);
    case 'postmaster':
      return killPostmaster(installation);
    case 'backend':
      return await killBackend(installation, strike.choice);
    case 'both': {
      const server = killServer(installation);
      return server + (await killPostmaster(installation));
    }
    case 'server-then-postmaster': {
      const server = killServer(installation);
      await delay(strike.gapMs);
      return server + (await killPostmaster(installation));
    }
    case 'postmaster-then-server': {
      const postmaster = await killPostmaster(installation);
      await delay(strike.gapMs);
      return postmaster + killServer(installation);
    }
    case 'server-while-starting': {
      const first = killServer(installation);
      await delay(strike.gapMs);
      return first + killServer(installation);
    }
    case 'postmaster-while-recovering': {
      const first = await killPostmaster(installation);
      await delay(strike.gapMs);
      return first + (await killPostmaster(installation));
    }
    case 'server-while-draining': {
      installation.signalServer('SIGTERM');
      await delay(strike.gapMs);
      return killServer(installation);
    }
  }
}

function killServer(installation: Installation): number {
  return installation.signalServer('SIGKILL') ? 1 : 0;
}

async function killPostmaster(installation: Installation): Promise<number> {
  return (await installation.killPostmaster()) ? 1 : 0;
}

/** Where PostgreSQL does not answer at this moment there is no process to choose: its first one is cut off instead. */
async function killBackend(installation: Installation, choice: number): Promise<number> {
  try {
    if (await installation.killBackend(choice)) return 1;
  } catch {
    // It is away, or did not tell in time.
  }
  return await killPostmaster(installation);
}

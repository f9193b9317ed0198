// SPDX-License-Identifier: Apache-2.0
import { delay } from '@outrider/adapters/shared/delay';
import type { Child } from '../process/child.ts';

/** A program that is started again whenever it ended, as systemd does with `Restart=always`. */
export interface Supervisor {
  /** Sends a signal to the process that runs now; false when none does. */
  signal(name: 'SIGKILL' | 'SIGTERM'): boolean;
  /** How often it was started. */
  startCount(): number;
  /** Ends it for good. */
  stop(): Promise<void>;
}

/** What systemd waits by default (`RestartSec`, systemd.service(5)). */
const RESTART_PAUSE_MS = 100;

export function supervise(start: () => Child): Supervisor {
  let child = start();
  let starts = 1;
  let isOver = false;

  async function watch(): Promise<void> {
    for (;;) {
      await child.ended;
      if (!isOver) await delay(RESTART_PAUSE_MS);
      if (isOver) return;
      child = start();
      starts++;
    }
  }
  const watched = watch();

  /** A proof that is broken off must not leave its server behind: it stops by itself, and its database with it. */
  function endWithUs(): void {
    if (child.isRunning()) process.kill(child.pid, 'SIGTERM');
  }
  process.once('exit', endWithUs);

  return {
    signal(name) {
      if (!child.isRunning()) return false;
      return process.kill(child.pid, name);
    },
    startCount: () => starts,
    async stop() {
      isOver = true;
      await child.stop();
      await watched;
      process.off('exit', endWithUs);
    },
  };
}

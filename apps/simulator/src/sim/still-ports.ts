// SPDX-License-Identifier: Apache-2.0
import type { MachineClock } from '@outrider/domain/kernel/clock';
import { machineInstant } from '@outrider/domain/kernel/time';
import type { composeServer } from '@outrider/server/compose';

/** What `composeServer` takes; its own file is the server's. */
type ServerPorts = Parameters<typeof composeServer>[0];

/** Machine time that stands still: nothing expires, and no figure of a run depends on how fast it ran. */
export function stillClock(): MachineClock {
  return { now: () => machineInstant(0) };
}

/** Work that is due later is due as soon as what runs now has ended: for a server that nobody else talks to meanwhile. */
export function promptSchedule(): ServerPorts['schedule'] {
  return {
    after(_delayMs, work) {
      let isCancelled = false;
      queueMicrotask(() => {
        if (!isCancelled) work();
      });
      return () => {
        isCancelled = true;
      };
    },
  };
}

/** A log for warnings and errors alone: a simulation has an event log of its own. An error is what no server may have. */
export function troubleLog(told: {
  readonly warn: (line: string) => void;
  readonly error: (line: string) => void;
}): ServerPorts['log'] {
  return {
    info: () => undefined,
    warn: (fields, message) => told.warn(`warning: ${message} (${fields.stage}, ${fields.code})`),
    error: ({ stage, code, err }, message) => {
      const cause = err instanceof Error ? (err.stack ?? err.message) : String(err ?? '');
      told.error(`${message} (${stage}, ${code}) ${cause}`.trim());
    },
  };
}

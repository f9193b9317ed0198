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

/** Work that is due later is due as soon as what runs now has ended: with one device awake, the order is fixed. */
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

/** A log for warnings and errors alone: a simulation has an event log of its own. */
export function troubleLog(write: (line: string) => void): ServerPorts['log'] {
  return {
    info: () => undefined,
    warn: (fields, message) => write(`warning: ${message} (${fields.stage}, ${fields.code})`),
    error: (fields, message) => write(`error: ${message} (${fields.stage}, ${fields.code})`),
  };
}

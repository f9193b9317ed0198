// SPDX-License-Identifier: Apache-2.0
import type { Counters } from '../gateway/counters.ts';
import type { Log } from '../ports.ts';

/** A log whose lines are counted by level, those that are left out as repetitions too. */
export function countedLog(log: Log, counters: Counters): Log {
  return {
    ...log,
    info(fields, message) {
      counters.add('log', 'info');
      log.info(fields, message);
    },
    warn(fields, message) {
      counters.add('log', 'warn');
      log.warn(fields, message);
    },
    error(fields, message) {
      counters.add('log', 'error');
      log.error(fields, message);
    },
  };
}

// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';

/**
 * How long the main thread of this process has been ready to run so far and had no processor, in milliseconds: the second field of schedstat
 * (proc(5)). What passes of it between a request and its answer is no time of the server; the event loop cannot see it, and takes it for idle time.
 */
export function runQueueWaitMs(): number {
  const [, waited = ''] = readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ');
  return Number(waited) / 1e6;
}

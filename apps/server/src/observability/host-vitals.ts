// SPDX-License-Identifier: Apache-2.0
import { monitorEventLoopDelay } from 'node:perf_hooks';
import process from 'node:process';
import type { MachineClock } from '@outrider/domain/kernel/clock';
import { elapsedMs } from '@outrider/domain/kernel/time';
import type { HostVitals } from '../ports.ts';

/** How often the event loop's turns are looked at: a timer that comes late by more than this is seen. */
const RESOLUTION_MS = 10;
const WINDOW_MS = 60_000;
const NANOSECONDS_PER_MS = 1e6;

/** Reads how late the event loop is, and the memory, of this process; the measuring ends with the process. */
export function readHostVitals(clock: MachineClock): () => HostVitals {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  let windowBegan = clock.now();
  let lastWindowMs = 0;
  return () => {
    // What is measured is the whole wait between two looks; what is late about it is the rest.
    const lateMs = Math.max(0, delay.percentile(99) / NANOSECONDS_PER_MS - RESOLUTION_MS);
    if (elapsedMs(windowBegan, clock.now()) > WINDOW_MS) {
      lastWindowMs = lateMs;
      windowBegan = clock.now();
      delay.reset();
    }
    return { eventLoopLagP99Ms: Math.max(lateMs, lastWindowMs), memoryBytes: process.memoryUsage.rss() };
  };
}

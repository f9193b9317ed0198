// SPDX-License-Identifier: Apache-2.0
import { onThreads } from '../threads.ts';
import type { Job, Played } from './cells.ts';

/** Plays all jobs, each on one of two threads. */
export async function playAll(jobs: readonly Job[], log: (line: string) => void): Promise<readonly Played[]> {
  const runs = await onThreads<Job, Played['runs']>(new URL('./worker.ts', import.meta.url), jobs, (done) =>
    log(`${done} of ${jobs.length} rollouts played`),
  );
  return jobs.map((job, index) => ({ job, runs: runs[index] ?? [] }));
}

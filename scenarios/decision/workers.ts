// SPDX-License-Identifier: Apache-2.0
import { Worker } from 'node:worker_threads';
import type { Job, Played } from './cells.ts';

/** Two, as the machine that the goals were set on has cores; each run is one thread's. */
const WORKERS = 2;

/** Plays all jobs on two threads. What a run draws comes from its job alone, so the order does not matter. */
export async function playAll(jobs: readonly Job[], log: (line: string) => void): Promise<readonly Played[]> {
  const played: Played[] = [];
  const queue = [...jobs];
  const every = Math.max(1, Math.floor(jobs.length / PROGRESS_LINES));
  const lane = async (): Promise<void> => {
    const worker = new Worker(new URL('./worker.ts', import.meta.url));
    try {
      for (let job = queue.shift(); job !== undefined; job = queue.shift()) {
        played.push(await playOn(worker, job));
        if (played.length % every === 0) log(`${played.length} of ${jobs.length} rollouts played`);
      }
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, lane));
  return played;
}

/** Lines of progress in a run: one every minute or so in the full one. */
const PROGRESS_LINES = 20;

function playOn(worker: Worker, job: Job): Promise<Played> {
  return new Promise((resolve, reject) => {
    const onMessage = (runs: Played['runs']): void => {
      worker.off('error', reject);
      resolve({ job, runs });
    };
    worker.once('error', reject);
    worker.once('message', onMessage);
    worker.postMessage(job);
  });
}

// SPDX-License-Identifier: Apache-2.0
import { parentPort } from 'node:worker_threads';
import { playJob, type SwarmJob } from './swarm-job.ts';

/** A thread that plays one run after the other. */
parentPort?.on('message', (job: SwarmJob) => {
  void playJob(job).then((result) => parentPort?.postMessage(result));
});

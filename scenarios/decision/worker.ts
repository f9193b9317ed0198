// SPDX-License-Identifier: Apache-2.0
import { parentPort } from 'node:worker_threads';
import type { Job } from './cells.ts';
import { playJob } from './play-job.ts';

/** A thread that plays one rollout after the other. */
parentPort?.on('message', (job: Job) => parentPort?.postMessage(playJob(job)));

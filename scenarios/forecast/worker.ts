// SPDX-License-Identifier: Apache-2.0
import { parentPort } from 'node:worker_threads';
import { type ComparedJob, comparedIn } from './compared.ts';

/** A thread that compares one forecast with its run after the other. */
parentPort?.on('message', (job: ComparedJob) => parentPort?.postMessage(comparedIn(job)));

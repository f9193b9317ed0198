// SPDX-License-Identifier: Apache-2.0
import { parentPort, workerData } from 'node:worker_threads';
import { forecast } from '@outrider/domain/decision/forecast/forecast';

/** The thread of one forecast: its input came with the thread, its answer is the only message. */
parentPort?.postMessage(forecast(workerData));

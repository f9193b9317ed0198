// SPDX-License-Identifier: Apache-2.0
import { Worker } from 'node:worker_threads';
import type { Forecast, ForecastInput } from '@outrider/domain/decision/forecast/forecast';

/** Where forecasts are played. */
export interface ForecastThreads {
  play(input: ForecastInput): Promise<Forecast>;
  /** Ends what is under way: a server that stops does not wait for a forecast. */
  close(): Promise<void>;
}

/**
 * Plays each forecast on a thread of its own: it takes a core for seconds, and permits, halts and the right to offer must not
 * wait for that.
 */
export function forecastThreads(): ForecastThreads {
  const workers = new Set<Worker>();
  return {
    play(input) {
      const worker = new Worker(new URL(`./forecast-worker${EXTENSION}`, import.meta.url), { workerData: input });
      workers.add(worker);
      return new Promise((resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', reject);
        worker.once('exit', (code) => {
          workers.delete(worker);
          reject(new Error(`The thread of a forecast ended with code ${code} before its answer`));
        });
      });
    },
    async close() {
      await Promise.all([...workers].map((worker) => worker.terminate()));
    },
  };
}

/** As this very file is called: TypeScript in the checkout, JavaScript where it is installed. */
const EXTENSION = import.meta.url.endsWith('.ts') ? '.ts' : '.js';

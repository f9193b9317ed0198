// SPDX-License-Identifier: Apache-2.0
import { Worker } from 'node:worker_threads';
import type { Plant } from '../planted/plant.ts';
import { playJob, type SwarmJob, type SwarmResult } from './swarm-job.ts';

export interface SwarmOptions {
  /** Run n has the seed `<seed>-<n>`, counted from 1. */
  readonly seed: string;
  readonly plant?: Plant;
  readonly threadCount: number;
  /** Whether to go on after so many runs. */
  readonly isGoingOn: (runs: number) => boolean;
  /** Goes on after a broken promise, and collects up to `BROKEN_MAX` of them. */
  readonly isCollecting: boolean;
  readonly onResult: (result: SwarmResult, tally: SwarmTally) => void;
}

/** All runs so far. */
export interface SwarmTally {
  runs: number;
  faults: number;
  permits: number;
  reports: number;
  readonly broken: SwarmResult[];
}

/** A night that finds more than this has one bug, and will find it again. */
const BROKEN_MAX = 100;

/**
 * Plays run after run on all threads, each drawn from a seed of its own, until there is no more time or a promise was
 * broken. Memory does not grow with the number of runs.
 */
export async function swarm(options: SwarmOptions): Promise<SwarmTally> {
  const { seed, plant, threadCount, isGoingOn, isCollecting, onResult } = options;
  const tally: SwarmTally = { runs: 0, faults: 0, permits: 0, reports: 0, broken: [] };
  let begun = 0;

  function isOver(): boolean {
    return !isGoingOn(begun) || tally.broken.length >= (isCollecting ? BROKEN_MAX : 1);
  }

  function note(result: SwarmResult): void {
    tally.runs++;
    tally.faults += result.faults;
    tally.permits += result.permits;
    tally.reports += result.reports;
    if (result.violation !== undefined) tally.broken.push(result);
    onResult(result, tally);
  }

  async function lane(): Promise<void> {
    const player = threadCount === 1 ? { play: playJob, end: async () => undefined } : threadPlayer();
    try {
      while (!isOver()) {
        const job: SwarmJob = { seed: `${seed}-${++begun}`, ...(plant !== undefined && { plant }) };
        note(await player.play(job));
      }
    } finally {
      await player.end();
    }
  }

  await Promise.all(Array.from({ length: threadCount }, lane));
  return tally;
}

/** As in `scripts/launch.mjs`: room for short-lived values. */
const YOUNG_MB = 64;

interface Player {
  play(job: SwarmJob): Promise<SwarmResult>;
  end(): Promise<unknown>;
}

function threadPlayer(): Player {
  const worker = new Worker(new URL('./swarm-worker.ts', import.meta.url), {
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
  });
  return {
    play: (job) =>
      new Promise((resolve, reject) => {
        worker.once('error', reject);
        worker.once('message', (result: SwarmResult) => {
          worker.off('error', reject);
          resolve(result);
        });
        worker.postMessage(job);
      }),
    end: () => worker.terminate(),
  };
}

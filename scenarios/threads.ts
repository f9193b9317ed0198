// SPDX-License-Identifier: Apache-2.0
import { Worker } from 'node:worker_threads';

/** Two, as the machine that the goals were set on has cores; each job is one thread's. */
const THREADS = 2;

/** Lines of progress in a run: one every minute or so in a full one. */
const PROGRESS_LINES = 20;

/**
 * Does all jobs on two threads of the same program, which answers each message with one. What a job draws comes from itself
 * alone, so the order does not matter; the answers stand in the order of the jobs.
 */
export async function onThreads<Job, Answer>(
  program: URL,
  jobs: readonly Job[],
  tell: (done: number) => void,
): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  const queue = [...jobs.entries()];
  const every = Math.max(1, Math.floor(jobs.length / PROGRESS_LINES));
  let done = 0;
  const lane = async (): Promise<void> => {
    const worker = new Worker(program);
    try {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const [index, job] = next;
        answers[index] = await answerOf<Job, Answer>(worker, job);
        done += 1;
        if (done % every === 0) tell(done);
      }
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: THREADS }, lane));
  return answers;
}

function answerOf<Job, Answer>(worker: Worker, job: Job): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const onMessage = (answer: Answer): void => {
      worker.off('error', reject);
      resolve(answer);
    };
    worker.once('error', reject);
    worker.once('message', onMessage);
    worker.postMessage(job);
  });
}

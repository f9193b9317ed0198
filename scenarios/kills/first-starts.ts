// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { delay } from '@outrider/adapters/shared/delay';
import { below, prng } from '@outrider/domain/kernel/prng';
import { createInstallation, type Installation } from '@outrider/simulator/compose';

/** What killing new installations on their very first start showed. */
export interface FirstStarts {
  readonly count: number;
  readonly slowestMs: number;
  /** Those that were killed after PostgreSQL ran and before the server served: while its schema was made. */
  readonly inMigration: number;
}

/** The first start: the cluster is made in two seconds, then the schema in a tenth of one. */
const CLUSTER_MS_MAX = 2_500;
const MIGRATION_MS_MAX = 120;
const LOG_POLL_MS = 5;
const LOG_PATIENCE_MS = 60_000;

/** Kills new installations while their database is made and while its schema is made; each must come up by itself. */
export async function killFirstStarts(options: {
  readonly seed: string;
  readonly count: number;
  readonly log: (line: string) => void;
}): Promise<FirstStarts> {
  const { seed, count, log } = options;
  let slowestMs = 0;
  let inMigration = 0;
  for (let number = 1; number <= count; number++) {
    const source = prng(`${seed}/first-start/${number}`);
    const isLate = number % 2 === 0;
    const installation = await createInstallation();
    try {
      if (isLate) await untilLogged(installation, '"postgres-started"');
      await delay(below(source, isLate ? MIGRATION_MS_MAX : CLUSTER_MS_MAX));
      const wasServing = await isServing(installation);
      installation.signalServer('SIGKILL');
      const tookMs = await installation.untilServing(() => isServing(installation));
      slowestMs = Math.max(slowestMs, tookMs);
      if (isLate && !wasServing) inMigration++;
      const when = isLate ? 'while its schema is made' : 'while its database is made';
      log(`First start ${number} of ${count}: killed ${when}, up in ${Math.round(tookMs)} ms`);
    } finally {
      await installation.remove();
    }
  }
  return { count, slowestMs, inMigration };
}

async function isServing({ url }: Installation): Promise<boolean> {
  try {
    const ready = await fetch(`${url}/health/ready`);
    await ready.body?.cancel();
    return ready.ok;
  } catch {
    // Not listening yet.
    return false;
  }
}

async function untilLogged({ logPath }: Installation, text: string): Promise<void> {
  for (let waitedMs = 0; waitedMs < LOG_PATIENCE_MS; waitedMs += LOG_POLL_MS) {
    if ((await readFile(logPath, 'utf8')).includes(text)) return;
    await delay(LOG_POLL_MS);
  }
}

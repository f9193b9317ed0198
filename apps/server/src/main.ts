// SPDX-License-Identifier: Apache-2.0
import process from 'node:process';
import pino from 'pino';
import manifest from '../package.json' with { type: 'json' };
import { EXIT_CODES, StartError } from './exit-codes.ts';
import { readFlags } from './installation/flags.ts';
import { type RunningServer, runServer } from './installation/run.ts';
import type { Log, Schedule } from './ports.ts';

/** Longest time to stop: then whatever still hangs is cut. Everything acknowledged is on disk already. */
const STOP_MS = 5_000;

await main();

async function main(): Promise<void> {
  const log: Log = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination(2));
  try {
    const flags = readFlags(process.argv.slice(2));
    const world = { flags, databaseUrl: process.env.DATABASE_URL, version: manifest.version, pid: process.pid };
    const stopping = untilStopped();
    const server = await runServer({ ...world, schedule: timers(), log });
    console.log(`Outrider is ready at ${server.url}, data in ${flags.dataFolder}, process ${process.pid}`);
    const signal = await stopping;
    log.info({ stage: 'server', code: 'stopping', signal }, 'The server stops');
    await stop(server);
    process.exit(EXIT_CODES.stopped);
  } catch (cause) {
    if (cause instanceof StartError) {
      console.error(`The server did not start: ${cause.message}`);
      process.exit(EXIT_CODES[cause.code]);
    }
    log.error({ stage: 'server', code: 'failed', err: cause }, 'The server failed');
    process.exit(EXIT_CODES.failed);
  }
}

async function stop(server: RunningServer): Promise<void> {
  const cut = setTimeout(() => process.exit(EXIT_CODES.failed), STOP_MS);
  await server.stop();
  clearTimeout(cut);
}

/** Resolves with the first signal to stop; a second one does not wait any longer. */
function untilStopped(): Promise<string> {
  return new Promise((resolve) => {
    let signals = 0;
    for (const name of ['SIGTERM', 'SIGINT'] as const) {
      process.on(name, () => {
        signals++;
        if (signals > 1) process.exit(EXIT_CODES.failed);
        resolve(name);
      });
    }
  });
}

function timers(): Schedule {
  return {
    after(delayMs, work) {
      const timer = setTimeout(work, delayMs);
      return () => clearTimeout(timer);
    },
  };
}

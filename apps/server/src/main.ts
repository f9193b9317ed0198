// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import process from 'node:process';
import { monotonicClock } from '@outrider/adapters/shared/clock';
import { digestText } from '@outrider/adapters/shared/digest';
import { endWithStarter } from '@outrider/adapters/shared/starter';
import manifest from '../package.json' with { type: 'json' };
import { EXIT_CODES, StartError } from './exit-codes.ts';
import { type Flags, readStart, USAGE } from './installation/flags.ts';
import { runServer } from './installation/run.ts';
import { createLog } from './log/create-log.ts';
import { secretsIn } from './log/redact.ts';
import type { Schedule } from './ports.ts';

endWithStarter();
await main();

async function main(): Promise<void> {
  let log = createLog({ level: 'info', clock: monotonicClock(), digestText });
  try {
    const start = { parameters: process.argv.slice(2), environment: process.env, workingFolder: process.cwd() };
    const flags = readStart(start);
    if (flags === 'help' || flags === 'version') {
      process.stdout.write(flags === 'help' ? USAGE : `${manifest.version}\n`);
      return;
    }
    const secrets = secretsIn(flags.databaseUrl);
    log = createLog({ level: flags.logLevel, clock: monotonicClock(), digestText, secrets });
    for (const { code, sentence } of flags.notices) log.warn({ stage: 'server', code }, sentence);
    log.info({ stage: 'server', code: 'settings', settings: saidIn(flags) }, 'The settings that were given');
    const stopping = untilStopped(flags.drainDelayMs + flags.drainTimeoutMs);
    const server = await runServer({
      ...{ flags, version: manifest.version, consoleFolder: consoleFolder(), pid: process.pid },
      ...{ schedule: timers(), log },
    });
    console.log(`Outrider is ready at ${server.url}, data in ${flags.dataFolder}, process ${process.pid}`);
    if (server.tlsUrl !== undefined) console.log(`Devices speak mutual TLS at ${server.tlsUrl}`);
    if (flags.publicUrl !== undefined) console.log(`Devices reach it at ${flags.publicUrl}`);
    const signal = await stopping;
    log.info({ stage: 'server', code: 'stopping', signal }, 'The server stops');
    await server.stop();
    log.flush();
    log.info({ stage: 'server', code: 'stopped' }, 'The server has stopped');
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

/** What was said by flag, variable or file; defaults are on the page, and secrets are "set". */
function saidIn({ shown }: Flags): Readonly<Record<string, string>> {
  const said = shown.filter(({ from }) => from !== 'default' && from !== '-');
  return Object.fromEntries(said.map(({ name, value, from }) => [name, `${value} (${from})`]));
}

/**
 * Resolves with the first signal to stop. From then on the time to stop runs, also while the server still starts; when it is
 * over, or at a second signal, whatever still hangs is cut off. Everything acknowledged is on disk already.
 */
function untilStopped(stopMs: number): Promise<string> {
  const cut = () => process.exit(EXIT_CODES['stopped-short']);
  return new Promise((resolve) => {
    let signals = 0;
    for (const name of ['SIGTERM', 'SIGINT'] as const) {
      process.on(name, () => {
        signals++;
        if (signals > 1) cut();
        setTimeout(cut, stopMs);
        resolve(name);
      });
    }
  });
}

/** The built page: beside this file where it was installed, in its own workspace in the checkout. */
function consoleFolder(): string {
  const isCheckout = import.meta.url.endsWith('.ts');
  return isCheckout ? join(import.meta.dirname, '..', '..', 'console', 'dist') : join(import.meta.dirname, 'page');
}

function timers(): Schedule {
  return {
    after(delayMs, work) {
      const timer = setTimeout(work, delayMs);
      return () => clearTimeout(timer);
    },
  };
}

// SPDX-License-Identifier: Apache-2.0
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { monotonicClock } from '@outrider/adapters/shared/clock';
import { endWithStarter } from '@outrider/adapters/shared/starter';
import { UsageError } from '../flag-values.ts';
import { liveView } from '../live/terminal.ts';
import { AgentProcessError } from '../process/agent-process.ts';
import { ServerStartError } from '../process/server-process.ts';
import { openDemo } from './demo.ts';
import { DemoFault } from './fault.ts';
import { type DemoFlags, readFlags, USAGE } from './flags.ts';
import { missedGoals, reportTable } from './report.ts';

/** How the program ends. */
const EXIT = { done: 0, failed: 1, usage: 2 } as const;

endWithStarter();
process.exit(await main());

async function main(): Promise<number> {
  try {
    const root = process.env.OUTRIDER_ROOT ?? fileURLToPath(new URL('../../../..', import.meta.url));
    const flags = readFlags(process.argv.slice(2), root);
    if (flags !== undefined) return await demonstrate(flags);
    process.stdout.write(USAGE);
    return EXIT.done;
  } catch (cause) {
    if (cause instanceof UsageError) return say(cause.message, EXIT.usage);
    if (isForeseen(cause)) return say(cause.message, EXIT.failed);
    throw cause;
  }
}

/** One round, then a server that stays up until somebody ends it, unless one round was all that was asked for. */
async function demonstrate(flags: DemoFlags): Promise<number> {
  const stopped = untilStopped();
  // With --json standard output is for the report alone.
  const stream = flags.isJson ? process.stderr : process.stdout;
  const isColoured = process.env.NO_COLOR === undefined;
  const clock = monotonicClock();
  const view = liveView({ stream: flags.isJson ? withoutTerminal(stream) : stream, clock, isColoured });
  const demo = await openDemo(flags, { view, machineClock: clock });
  try {
    const report = await Promise.race([demo.play(), stopped]);
    if (report === 'stopped') return EXIT.done;
    stream.write(`\n${reportTable(report)}\n`);
    if (flags.isJson) process.stdout.write(`${JSON.stringify(report)}\n`);
    const missed = missedGoals(report);
    for (const sentence of missed) say(sentence, EXIT.failed);
    if (flags.isOnce) return missed.length === 0 ? EXIT.done : EXIT.failed;
    stream.write(`\nThe server stays up at ${demo.url}, data in ${demo.serverFolder}; stop it with Ctrl-C\n`);
    await stopped;
    return EXIT.done;
  } finally {
    await demo.close();
  }
}

function untilStopped(): Promise<'stopped'> {
  return new Promise((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => resolve('stopped'));
  });
}

/** A stream that gets plain lines, terminal or not. */
function withoutTerminal(stream: NodeJS.WriteStream) {
  return { write: (text: string) => stream.write(text) };
}

function isForeseen(cause: unknown): cause is Error {
  return cause instanceof DemoFault || cause instanceof ServerStartError || cause instanceof AgentProcessError;
}

function say(sentence: string, exitCode: number): number {
  process.stderr.write(`outrider demo: ${sentence}\n`);
  return exitCode;
}

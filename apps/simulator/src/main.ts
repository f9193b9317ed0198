// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';
import process from 'node:process';
import { UsageError } from './flag-values.ts';
import { type EventLog, eventLog } from './sim/event-log.ts';
import { readFlags, type SimFlags, USAGE } from './sim/flags.ts';
import { type SimulationSummary, simulate } from './sim/simulate.ts';

/** How the program ends. */
const EXIT = { done: 0, failed: 1, usage: 2 } as const;

process.exitCode = await main();

async function main(): Promise<number> {
  try {
    const flags = readFlags(process.argv.slice(2));
    if (flags !== undefined) return await run(flags);
    process.stdout.write(USAGE);
    return EXIT.done;
  } catch (cause) {
    if (!(cause instanceof UsageError)) throw cause;
    process.stderr.write(`outrider sim: ${cause.message}\n`);
    return EXIT.usage;
  }
}

async function run(flags: SimFlags): Promise<number> {
  const file = openLog(flags.logPath);
  const log = eventLog({
    ...(file !== undefined && { sink: (line) => writeSync(file, line) }),
    ...(flags.alteredPermit !== undefined && { alteredPermit: flags.alteredPermit }),
  });
  process.stdout.write(`seed ${flags.seed}, ${flags.deviceCount} devices, commit ${commit()}\n`);
  const warn = (line: string) => process.stderr.write(`${line}\n`);
  const summary = await simulate({ ...flags, log, warn });
  if (file !== undefined) closeSync(file);
  process.stdout.write(`${summaryText(summary, log)}\n`);
  const permits = log.counts().permit;
  if (flags.alteredPermit !== undefined && flags.alteredPermit > permits) {
    process.stderr.write(
      `outrider sim: The log has ${permits} permits, number ${flags.alteredPermit} is not among them; name a smaller one\n`,
    );
    return EXIT.failed;
  }
  process.stdout.write(`${log.digest()}\n`);
  return EXIT.done;
}

function openLog(path: string | undefined): number | undefined {
  if (path === undefined) return undefined;
  try {
    return openSync(path, 'w');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`The log ${path} cannot be written (${reason}); name a file in a folder that exists`, {
      cause,
    });
  }
}

/** Which code played; a checkout without its history has no name for it. */
function commit(): string {
  try {
    const stdio: ['ignore', 'pipe', 'ignore'] = ['ignore', 'pipe', 'ignore'];
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8', stdio }).trim();
  } catch {
    // No git, or no repository: the digest holds all the same.
    return 'unknown';
  }
}

function summaryText({ good, bad, requests }: SimulationSummary, log: EventLog): string {
  const reasons = Object.entries(good.notVerifiedByReason).map(([reason, count]) => `${count} ${reason}`);
  const halt = bad.hoursToHalt === null ? 'not halted' : `halted after ${bad.hoursToHalt.toFixed(1)} h`;
  const counts = Object.entries(log.counts()).map(([kind, count]) => `${count} ${kind}`);
  return [
    `good release: ${good.verified} of ${good.devices} verified in ${good.days.toFixed(1)} fleet days${reasons.length === 0 ? '' : `, ${reasons.join(', ')}`}`,
    `bad release: ${halt} in ${bad.haltedSegments.join(', ') || 'no segment'}, ${bad.exposed} exposed, ${bad.harmed} harmed, ${bad.rolledBack} back`,
    `${requests} requests; events: ${counts.join(', ')}`,
  ].join('\n');
}

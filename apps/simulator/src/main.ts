// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';
import process from 'node:process';
import { UsageError } from './flag-values.ts';
import { keepCase, readCase } from './sim/case-files.ts';
import { type EventLog, eventLog } from './sim/event-log.ts';
import { readFlags, type SimFlags, USAGE } from './sim/flags.ts';
import { brokenText, heldText } from './sim/result-text.ts';
import { runCase } from './sim/run-case.ts';
import { caseOf } from './sim/search/draw-case.ts';
import { runSwarm } from './sim/search/run-swarm.ts';
import { type Broken, shrink } from './sim/search/shrink.ts';
import type { SimCase } from './sim/sim-case.ts';

/** How the program ends. */
const EXIT = { done: 0, failed: 1, usage: 2 } as const;

/** Each run of a shrink takes as long as the first one, or less. */
const SHRINK_RUNS_MAX = 400;

process.exitCode = await main();

async function main(): Promise<number> {
  try {
    const flags = readFlags(process.argv.slice(2));
    if (flags === undefined) print(USAGE.trimEnd());
    else return flags.swarm === undefined ? await runOne(flags) : await runMany(flags);
    return EXIT.done;
  } catch (cause) {
    if (!(cause instanceof UsageError)) throw cause;
    complain(cause.message);
    return EXIT.usage;
  }
}

async function runOne(flags: SimFlags): Promise<number> {
  const simCase = flags.replayPath === undefined ? caseOfFlags(flags) : readCase(flags.replayPath);
  const file = openLog(flags.logPath);
  const log = eventLog({
    ...(file !== undefined && { sink: (line) => writeSync(file, line) }),
    ...(flags.alteredPermit !== undefined && { alteredPermit: flags.alteredPermit }),
  });
  print(headline(simCase, flags));
  const [beganAtMs, began] = [performance.now(), process.cpuUsage()];
  const warn = (line: string) => process.stderr.write(`${line}\n`);
  const outcome = await runCase(simCase, { signatures: flags.signatures, log, warn });
  if (file !== undefined) closeSync(file);
  if (outcome.kind === 'broken') await showBroken({ simCase, violation: outcome.violation }, flags);
  else {
    const { user, system } = process.cpuUsage(began);
    const took = { seconds: (performance.now() - beganAtMs) / 1_000, processorSeconds: (user + system) / 1_000_000 };
    print(heldText(simCase, outcome, took));
  }
  const isAltered = checkAltered(flags, log);
  if (isAltered) print(log.digest());
  return isAltered && outcome.kind === 'held' ? EXIT.done : EXIT.failed;
}

async function runMany(flags: SimFlags): Promise<number> {
  const broken = await runSwarm(flags, { print, now: () => new Date() });
  for (const one of broken) await showBroken(one, flags);
  return broken.length === 0 ? EXIT.done : EXIT.failed;
}

/** Keeps the case and says how to play it again; shrinks it first when that was asked for. */
async function showBroken(found: Broken, { isShrinking, outFolder, signatures }: SimFlags): Promise<void> {
  const path = keepCase(outFolder, found);
  print(brokenText(found.simCase, found.violation, path));
  if (!isShrinking) return;
  const { runs, ...smallest } = await shrink(found, {
    runsMax: SHRINK_RUNS_MAX,
    async play(simCase) {
      const outcome = await runCase(simCase, { signatures });
      return outcome.kind === 'broken' ? outcome.violation : undefined;
    },
  });
  print(`Shrunk in ${runs} runs:`);
  print(brokenText(smallest.simCase, smallest.violation, keepCase(outFolder, smallest, 'small')));
}

function caseOfFlags({ seed, deviceCount, daysMax, gatewayCount, profile, isOpen, plant }: SimFlags): SimCase {
  const parts = { seed, deviceCount, daysMax, gatewayCount, profile };
  return caseOf({ ...parts, ...(isOpen && { isOpen }), ...(plant !== undefined && { plant }) });
}

function headline({ seed, deviceCount, gatewayCount, faults, plant }: SimCase, { signatures }: SimFlags): string {
  const parts = [
    `seed ${seed}`,
    `${deviceCount} devices`,
    `commit ${commit()}`,
    `${gatewayCount} servers`,
    `${faults.length} faults`,
    `${signatures} signatures`,
    ...(plant === undefined ? [] : [`planted ${plant}`]),
  ];
  return parts.join(', ');
}

function checkAltered({ alteredPermit }: SimFlags, log: EventLog): boolean {
  const permits = log.counts().permit;
  if (alteredPermit === undefined || alteredPermit <= permits) return true;
  complain(`The log has ${permits} permits, number ${alteredPermit} is not among them; name a smaller one`);
  return false;
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

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function complain(message: string): void {
  process.stderr.write(`outrider sim: ${message}\n`);
}

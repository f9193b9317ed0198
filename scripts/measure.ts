// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Figure, figureTable, type MeasureModule } from '../bench/figures.ts';

/** What `bench` and `prove` have in common: modules found by name in one folder, run, and shown beside their goals. */
export interface MeasureCommand {
  /** For example `bench`: how a person calls it. */
  readonly verb: string;
  readonly root: string;
  /** Where the modules are, below the root. */
  readonly folder: string;
  readonly parameters: readonly string[];
  readonly seed: string;
  /** Whether a missed goal ends with 1: a proof does, a measurement only shows it. */
  readonly isProof: boolean;
  readonly write: (text: string) => void;
  readonly log: (line: string) => void;
}

const OK = 0;
const GOAL_MISSED = 1;
const USAGE = 2;

/** These files carry the modules and are none themselves. */
const CARRIERS = new Set(['main', 'figures']);

/** Runs one module and prints its figures; gives the exit code: 0 held, 1 a goal missed or an error, 2 no such name. */
export async function measure(command: MeasureCommand): Promise<number> {
  const { verb, root, folder, parameters, log } = command;
  const isJson = parameters.includes('--json');
  const [name, ...rest] = parameters.filter((one) => one !== '--json');
  const names = moduleNames(join(root, folder));
  const list = names.length === 0 ? `There is none in ${folder}/` : `There are: ${names.join(', ')}`;
  const problem = usageProblem(name, rest, names);
  if (problem !== undefined || name === undefined) {
    log(`${problem ?? ''}. ${list}. Call \`npm run ${verb} -- <name> [--json]\``);
    return USAGE;
  }
  const module = await loadModule(join(root, folder, `${name}.ts`));
  const figures = await module.run({ root, seed: command.seed, log });
  if (figures.length === 0) {
    log(`${name} gave no figure; a ${verb} that measures nothing fails`);
    return GOAL_MISSED;
  }
  const commit = commitOf(root);
  if (isJson) command.write(`${JSON.stringify({ name, commit, figures })}\n`);
  else command.write(`${name} at ${commit}, seed ${command.seed}\n\n${figureTable(figures)}\n`);
  return command.isProof ? verdictOf(figures, log) : OK;
}

function usageProblem(name: string | undefined, rest: readonly string[], names: readonly string[]): string | undefined {
  const unknown = [name ?? '', ...rest].find((one) => one.startsWith('-'));
  if (unknown !== undefined) return `The flag ${unknown} is unknown; allowed is --json`;
  if (name === undefined) return 'No name was given';
  if (rest.length > 0) return `One name is allowed, got ${rest.length + 1}: ${[name, ...rest].join(' ')}`;
  return names.includes(name) ? undefined : `The name ${name} is unknown`;
}

/** `bench/decision.ts` is called `decision`; tests and folders are no modules. */
function moduleNames(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && /^[a-z0-9-]+\.ts$/.test(entry.name))
    .map((entry) => entry.name.slice(0, -'.ts'.length))
    .filter((name) => !CARRIERS.has(name))
    .sort();
}

async function loadModule(path: string): Promise<Pick<MeasureModule, 'run'>> {
  const module: { readonly run?: unknown } = await import(pathToFileURL(path).href);
  const { run } = module;
  if (typeof run !== 'function') throw new TypeError(`${path} exports no function \`run\`; see bench/figures.ts`);
  return { run: (options) => run(options) };
}

function verdictOf(figures: readonly Figure[], log: (line: string) => void): number {
  const missed = figures.filter((one) => !one.holds);
  if (missed.length === 0) return OK;
  for (const one of missed) log(`Missed: ${one.figure} is ${one.value} ${one.unit}, the goal is ${one.goal}`);
  return GOAL_MISSED;
}

/** The commit that was measured, with `+changes` when the tree is not what it names. */
function commitOf(root: string): string {
  try {
    const git = (...parameters: string[]): string =>
      execFileSync('git', parameters, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    const isChanged = git('status', '--porcelain', '--untracked-files=no') !== '';
    return `${git('rev-parse', '--short=12', 'HEAD')}${isChanged ? '+changes' : ''}`;
  } catch {
    // A source archive has no history: the figures are still worth printing.
    return 'unknown';
  }
}

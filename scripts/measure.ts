// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Figure, figureTable, type ListFlag, type MeasureModule, type WholeFlag } from '../bench/figures.ts';

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
/** Every goal held, but on less than the goals speak of: neither a proof nor a breach. */
const REDUCED = 3;

/** These files carry the modules and are none themselves. */
const CARRIERS = new Set(['main', 'figures']);

/**
 * Runs one module and prints its figures; gives the exit code: 0 held, 1 a goal missed or an error, 2 wrongly called, 3 held
 * in a reduced run, which is not the claim.
 */
export async function measure(command: MeasureCommand): Promise<number> {
  const { verb, root, folder, parameters, log } = command;
  const [name, ...given] = parameters;
  const names = moduleNames(join(root, folder));
  const problem = nameProblem(name, names);
  if (problem !== undefined || name === undefined) {
    const list = names.length === 0 ? `There is none in ${folder}/` : `There are: ${names.join(', ')}`;
    log(`${problem ?? ''}. ${list}. Call \`npm run ${verb} -- <name> [--json] [--seed <text>]\``);
    return USAGE;
  }
  const module = await loadModule(join(root, folder, `${name}.ts`));
  const read = readFlags(given, module);
  if (typeof read === 'string') {
    log(`${read}. ${describeFlags(module)}. Call \`npm run ${verb} -- ${name} [--<flag> <value>]\``);
    return USAGE;
  }
  const { isJson, flags, lists, seed = command.seed } = read;
  const figures = await module.run({ root, seed, log, flags, lists });
  if (figures.length === 0) {
    log(`${name} gave no figure; a ${verb} that measures nothing fails`);
    return GOAL_MISSED;
  }
  const commit = commitOf(root);
  if (isJson) command.write(`${JSON.stringify({ name, commit, figures })}\n`);
  else command.write(`${name} at ${commit}, seed ${seed}\n\n${figureTable(figures)}\n`);
  return command.isProof ? verdictOf(figures, log) : OK;
}

function nameProblem(name: string | undefined, names: readonly string[]): string | undefined {
  if (name === undefined || name.startsWith('-')) return 'No name was given; it comes first';
  return names.includes(name) ? undefined : `The name ${name} is unknown`;
}

interface ReadFlags {
  readonly isJson: boolean;
  readonly seed?: string;
  readonly flags: Readonly<Record<string, number>>;
  readonly lists: Readonly<Record<string, readonly string[]>>;
}

/** The flags by name, or the sentence that says what is wrong with them. */
function readFlags(given: readonly string[], known: KnownFlags): ReadFlags | string {
  let isJson = false;
  let seed: string | undefined;
  const flags = Object.fromEntries(Object.entries(known.flags).map(([name, flag]) => [name, flag.default]));
  const lists: Record<string, readonly string[]> = {};
  for (let index = 0; index < given.length; index++) {
    const word = given[index] ?? '';
    if (word === '--json') {
      isJson = true;
      continue;
    }
    if (!word.startsWith('--')) return `One name is allowed, got ${word} too`;
    const name = word.slice('--'.length);
    const value = given[++index];
    const whole = Object.hasOwn(known.flags, name) ? known.flags[name] : undefined;
    const list = Object.hasOwn(known.lists, name) ? known.lists[name] : undefined;
    if (name !== 'seed' && whole === undefined && list === undefined) return `The flag ${word} is unknown`;
    if (value === undefined) return `The flag ${word} needs a value`;
    const problem = valueProblem(value, whole, list);
    if (problem !== undefined) return `The flag ${word} ${problem}`;
    if (whole !== undefined) flags[name] = Number(value);
    else if (list !== undefined) lists[name] = value.split(',');
    else seed = value;
  }
  return { isJson, flags, lists, ...(seed === undefined ? {} : { seed }) };
}

/** What is wrong with a value, as the end of a sentence. */
function valueProblem(value: string, whole?: WholeFlag, list?: ListFlag): string | undefined {
  if (whole !== undefined) {
    const isAllowed = /^\d+$/.test(value) && Number(value) >= whole.min && Number(value) <= whole.max;
    return isAllowed ? undefined : `is ${value}, allowed is a whole number from ${whole.min} to ${whole.max}`;
  }
  const unknown = list === undefined ? undefined : value.split(',').find((one) => !list.allowed.includes(one));
  return unknown === undefined ? undefined : `names ${unknown}, allowed are ${list?.allowed.join(', ')}`;
}

function describeFlags(known: KnownFlags): string {
  const whole = Object.entries(known.flags).map(([name, flag]) => `--${name} (${flag.sentence}, ${flag.default})`);
  const lists = Object.entries(known.lists).map(([name, flag]) => `--${name} (${flag.sentence}, all)`);
  return `Flags are: ${['--json', '--seed', ...whole, ...lists].join(', ')}`;
}

interface KnownFlags {
  readonly flags: Readonly<Record<string, WholeFlag>>;
  readonly lists: Readonly<Record<string, ListFlag>>;
}

/** `bench/decision.ts` is called `decision`; tests and folders are no modules. */
function moduleNames(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && /^[a-z0-9-]+\.ts$/.test(entry.name))
    .map((entry) => entry.name.slice(0, -'.ts'.length))
    .filter((name) => !CARRIERS.has(name))
    .sort();
}

async function loadModule(path: string): Promise<Pick<MeasureModule, 'run'> & KnownFlags> {
  const module: { readonly run?: unknown } & Partial<KnownFlags> = await import(pathToFileURL(path).href);
  const { run, flags = {}, lists = {} } = module;
  if (typeof run !== 'function') throw new TypeError(`${path} exports no function \`run\`; see bench/figures.ts`);
  return { run: (options) => run(options), flags, lists };
}

function verdictOf(figures: readonly Figure[], log: (line: string) => void): number {
  const missed = figures.filter((one) => !one.holds);
  if (missed.length === 0) {
    if (!figures.some((one) => one.isReduced)) return OK;
    log('Every goal holds, in a reduced run: the claim needs the full one');
    return REDUCED;
  }
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

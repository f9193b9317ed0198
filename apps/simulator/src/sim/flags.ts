// SPDX-License-Identifier: Apache-2.0
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { SEED_ALLOWED, SEED_PATTERN, UsageError, wholeOf } from '../flag-values.ts';
import { FAULT_KINDS, FAULT_RATES, type FaultProfile, type ProfileName, profileOf } from './faults/profile.ts';
import type { Plant } from './planted/plant.ts';
import { CASE_LIMITS } from './sim-case.ts';
import type { SignatureKind } from './sim-keys.ts';

/** What the simulator is started with. */
export interface SimFlags {
  readonly seed: string;
  readonly deviceCount: number;
  readonly daysMax: number;
  readonly gatewayCount: number;
  readonly isOpen: boolean;
  readonly profileName: ProfileName;
  /** The named profile with the single rates that were given. */
  readonly profile: FaultProfile;
  readonly signatures: SignatureKind;
  readonly plant: Plant | undefined;
  readonly logPath: string | undefined;
  /** Counted from 1. */
  readonly alteredPermit: number | undefined;
  /** A case file to be played instead of a new case. */
  readonly replayPath: string | undefined;
  readonly isShrinking: boolean;
  /** Where cases that break a promise are kept. */
  readonly outFolder: string;
  readonly swarm: SwarmFlags | undefined;
}

export interface SwarmFlags {
  readonly runsMax: number;
  /** Minutes after midnight, local time. */
  readonly untilMinutes: number | undefined;
  readonly threadCount: number;
  readonly isCollecting: boolean;
}

export const USAGE = `The simulator: several real servers over one store and a fleet of real agents in one process, in simulated time. All
chance comes from one seed: the same seed gives the same digest, with faults as without.

One run
  --seed <text>          of all chance and all keys (default 42)
  --devices <count>      devices of the fleet (default 300, 1 to 100000)
  --days <count>         fleet days: the most of each of the two rollouts, the least of the run (default 20, 1 to 90)
  --gateways <count>     servers over the one store (default 2, 1 to 8)
  --open                 rollouts without waves: only the caps hold anybody back
  --faults <profile>     none, mild or wild (default none); see below
  --signatures <kind>    quick, or real for Ed25519 as in production; the digest is the same (default quick)
  --log <file>           write the event log: canonical JSON, a line for each event
  --alter-permit <n>     alter the n-th permit of the log, as a tampered ledger would have it: the digest tells
  --plant <bug>          put a bug into the store: cap-outside, count-twice or pause-notify

When a promise is broken
  --out <folder>         where its case is kept: seed and faults (default .outrider/simulator)
  --replay <file>        play a case again, to the same digest
  --shrink               leave out faults, days, devices and servers while the same promise breaks

A night
  --swarm                run after run, everything about each drawn from <seed>-<n>
  --runs <count>         so many (default 100, 1 to 1000000)
  --until <hh:mm>        until this local time, however many that are
  --threads <count>      runs at a time (default 2, 1 to 64)
  --collect              go on after the first broken promise

Faults in a fleet day (of the kinds marked *, for each 100 devices), by profile; each rate has a flag of its own
${FAULT_KINDS.map(rateLine).join('\n')}

The last line is the SHA-256 of the event log. Ends with 0; 1 when a promise was broken; 2 on a wrong flag.
`;

function rateLine(kind: keyof FaultProfile): string {
  const { mild, wild, isOfDevice, sentence } = FAULT_RATES[kind];
  const flag = `--${kind} <rate>`.padEnd(22);
  return `  ${flag} mild ${String(mild).padEnd(4)} wild ${String(wild).padEnd(4)} ${isOfDevice ? '*' : ' '} ${sentence}`;
}

const PERMITS = { min: 1, max: 1_000_000 };
const RUNS = { min: 1, max: 1_000_000 };
const THREADS = { min: 1, max: 64 };
const PROFILES: readonly ProfileName[] = ['none', 'mild', 'wild'];
const SIGNATURES: readonly SignatureKind[] = ['quick', 'real'];
const PLANTS: readonly Plant[] = ['cap-outside', 'count-twice', 'pause-notify'];
/** A thousand faults of one kind in a day are one in each step and six more. */
const RATE_MAX = 1_000;

const OPTIONS = {
  seed: { type: 'string', default: '42' },
  devices: { type: 'string', default: '300' },
  days: { type: 'string', default: '20' },
  gateways: { type: 'string', default: '2' },
  open: { type: 'boolean', default: false },
  faults: { type: 'string', default: 'none' },
  signatures: { type: 'string', default: 'quick' },
  plant: { type: 'string' },
  log: { type: 'string' },
  'alter-permit': { type: 'string' },
  replay: { type: 'string' },
  shrink: { type: 'boolean', default: false },
  out: { type: 'string', default: '.outrider/simulator' },
  swarm: { type: 'boolean', default: false },
  runs: { type: 'string' },
  until: { type: 'string' },
  threads: { type: 'string', default: '2' },
  collect: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const satisfies ParseArgsOptionsConfig;

/** Reads the flags; undefined when only help was asked for. Throws UsageError. */
export function readFlags(parameters: readonly string[]): SimFlags | undefined {
  const { values, rates } = parse(parameters);
  if (values.help) return undefined;
  const { seed, log, replay, 'alter-permit': alterPermit } = values;
  if (!SEED_PATTERN.test(seed)) throw new UsageError(`The flag --seed is ${seed}; allowed are ${SEED_ALLOWED}`);
  const profileName = oneOf('--faults', values.faults, PROFILES);
  return {
    seed,
    deviceCount: wholeOf('--devices', values.devices, CASE_LIMITS.devices),
    daysMax: wholeOf('--days', values.days, CASE_LIMITS.days),
    gatewayCount: wholeOf('--gateways', values.gateways, CASE_LIMITS.gateways),
    isOpen: values.open,
    profileName,
    profile: { ...profileOf(profileName), ...rates },
    signatures: oneOf('--signatures', values.signatures, SIGNATURES),
    plant: values.plant === undefined ? undefined : oneOf('--plant', values.plant, PLANTS),
    logPath: log,
    alteredPermit: alterPermit === undefined ? undefined : wholeOf('--alter-permit', alterPermit, PERMITS),
    replayPath: replay,
    isShrinking: values.shrink,
    outFolder: values.out,
    swarm: values.swarm ? swarmFlags(values) : undefined,
  };
}

function swarmFlags(values: {
  readonly runs?: string | undefined;
  readonly until?: string | undefined;
  readonly threads: string;
  readonly collect: boolean;
}): SwarmFlags {
  const { runs, until, threads, collect } = values;
  const runsDefault = until === undefined ? '100' : String(RUNS.max);
  return {
    runsMax: wholeOf('--runs', runs ?? runsDefault, RUNS),
    untilMinutes: until === undefined ? undefined : minutesOf(until),
    threadCount: wholeOf('--threads', threads, THREADS),
    isCollecting: collect,
  };
}

function minutesOf(until: string): number {
  const [, hour, minute] = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(until) ?? [];
  if (hour !== undefined && minute !== undefined) return Number(hour) * 60 + Number(minute);
  throw new UsageError(`The flag --until is ${until}; allowed is a time of day from 00:00 to 23:59`);
}

function oneOf<const T extends string>(flag: string, text: string, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === text);
  if (found !== undefined) return found;
  throw new UsageError(`The flag ${flag} is ${text}; allowed is one of ${allowed.join(', ')}`);
}

/** The rates are read by name from the table, so that a new kind of fault has its flag at once. */
function parse(parameters: readonly string[]) {
  try {
    const rateOptions = Object.fromEntries(FAULT_KINDS.map((kind) => [kind, { type: 'string' } as const]));
    const args = [...parameters];
    const { values: all } = parseArgs({ args, options: { ...rateOptions, ...OPTIONS } });
    const { values } = parseArgs({ args: withoutRates(args), options: OPTIONS });
    const given: Readonly<Record<string, unknown>> = all;
    const rates: Partial<Record<keyof FaultProfile, number>> = {};
    for (const kind of FAULT_KINDS) if (given[kind] !== undefined) rates[kind] = rateOf(kind, String(given[kind]));
    return { values, rates };
  } catch (cause) {
    // parseArgs throws a TypeError whose message names what it does not know.
    if (cause instanceof TypeError) throw new UsageError(`${cause.message}; see --help`, { cause });
    throw cause;
  }
}

function withoutRates(args: readonly string[]): string[] {
  const flags = new Set<string>(FAULT_KINDS.map((kind) => `--${kind}`));
  return args.filter((arg, index) => {
    const isRate = flags.has(arg.split('=', 1)[0] ?? '');
    const isItsValue = flags.has(args[index - 1] ?? '');
    return !isRate && !isItsValue;
  });
}

function rateOf(kind: string, text: string): number {
  const rate = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && rate <= RATE_MAX) return rate;
  throw new UsageError(`The flag --${kind} is ${text}; allowed is a number from 0 to ${RATE_MAX}`);
}

// SPDX-License-Identifier: Apache-2.0
import type { Finding } from './finding.ts';
import type { Token } from './tokens.ts';
import type { SourceFile, Tree } from './tree.ts';

/**
 * R9: clock, randomness and environment only in `adapters/shared` and in a program's `main.ts`; everywhere else they are
 * parameters. Tests, scripts and measurements stand outside what is shipped and may use them.
 */
export function purity(tree: Tree): readonly Finding[] {
  return tree.sources
    .filter(({ path, isTest }) => !isTest && !FREE.some(({ pattern }) => pattern.test(path)))
    .flatMap((file) => [...impureCode(file), ...impureImports(file)]);
}

/** R4: what waits for the world is a port, and ports of the domain are declared in `ports.ts`. */
export function ports(tree: Tree): readonly Finding[] {
  return tree.sources
    .filter(
      ({ path, isTest }) =>
        !isTest && path.startsWith('packages/domain/src/') && !/(^|\/|-)(ports|store)\.ts$/.test(path),
    )
    .flatMap(({ path, code }) =>
      code
        .filter((token, index) => PORT_TYPES.has(token.text) && token.kind === 'word' && code[index - 1]?.text !== '.')
        .map(({ text, line }) => ({
          rule: 'R4',
          path,
          line,
          message: `${text} in the domain outside ports.ts; the domain decides, it does not wait`,
        })),
    );
}

const PORT_TYPES = new Set(['Promise', 'AsyncIterable', 'AsyncGenerator', 'async', 'await']);

const FREE = [
  { pattern: /^packages\/adapters\/src\/shared\//, why: 'the ports of clock and randomness are implemented here' },
  { pattern: /^apps\/[^/]+\/src\/([^/]+\/)?main\.ts$/, why: 'a program reads its environment in one place' },
  { pattern: /^apps\/[^/]+\/bin\/[^/]+\.mjs$/, why: 'a launcher re-executes the program with its own runtime' },
  {
    pattern: /^(scripts|bench|scenarios|engines)\//,
    why: 'not shipped; they measure time and pass the environment on',
  },
  {
    pattern: /^packages\/testkit\/src\/(seed|contracts\/.*)\.ts$/,
    why: 'reads SEED; contract tests wait for real adapters',
  },
];

const CLOCK = 'take the instant as a parameter or a clock port';
const RANDOM = 'take a Prng or the random port';
const ENVIRONMENT = 'read it in main.ts and pass it on';

/** Objects whose members are named one by one: taking them by index or under another name would hide the use. */
const MEMBERS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Date: { now: CLOCK },
  Math: { random: RANDOM },
  performance: { now: CLOCK, timeOrigin: CLOCK },
  process: { env: ENVIRONMENT, argv: ENVIRONMENT, hrtime: CLOCK, uptime: CLOCK },
  crypto: { randomUUID: RANDOM, getRandomValues: RANDOM, randomBytes: RANDOM, randomInt: RANDOM },
};
const CALLS: Readonly<Record<string, string>> = { setTimeout: CLOCK, setInterval: CLOCK, setImmediate: CLOCK };

function impureCode({ path, code }: SourceFile): Finding[] {
  return code.flatMap((token, index): Finding[] => {
    if (token.kind !== 'word' || isMemberName(code, index)) return [];
    const use = impureUse(code, index);
    return use === undefined
      ? []
      : [{ rule: 'R9', path, line: token.line, message: `${use.what} here; ${use.instead}` }];
  });
}

function impureUse(
  code: readonly Token[],
  index: number,
): { readonly what: string; readonly instead: string } | undefined {
  const [name, one, two, three] = [0, 1, 2, 3].map((offset) => code[index + offset]);
  if (name === undefined) return undefined;
  const call = Object.hasOwn(CALLS, name.text) ? CALLS[name.text] : undefined;
  if (call !== undefined && one?.text === '(') return { what: `${name.text}()`, instead: call };
  if (name.text === 'Date' && code[index - 1]?.text === 'new') {
    const hasNoArgument = one?.text !== '(' || two?.text === ')';
    return hasNoArgument ? { what: 'new Date()', instead: CLOCK } : undefined;
  }
  if (name.text === 'Date' && one?.text === '(') return { what: 'Date()', instead: CLOCK };
  if (name.text === 'globalThis' && one?.text === '[') return { what: 'globalThis by index', instead: CLOCK };
  const members = Object.hasOwn(MEMBERS, name.text) ? MEMBERS[name.text] : undefined;
  if (members === undefined) return undefined;
  const [reason = ''] = Object.values(members);
  const isMember = one?.text === '.' || one?.text === '?.';
  const instead = isMember && Object.hasOwn(members, two?.text ?? '') ? members[two?.text ?? ''] : undefined;
  if (instead !== undefined) return { what: `${name.text}.${two?.text}`, instead };
  if (one?.text === '[' && two?.kind === 'string' && three?.text === ']')
    return { what: `${name.text}[${two.text}]`, instead: reason };
  const isAlias = code[index - 1]?.text === '=' && !isMember && one?.text !== '(' && one?.text !== '[';
  return isAlias ? { what: `${name.text} under another name`, instead: reason } : undefined;
}

/** `timers.setTimeout` counts, `clock.setTimeout` does not: the port of machine time may use the word. */
function isMemberName(code: readonly Token[], index: number): boolean {
  const before = code[index - 1]?.text;
  if (before !== '.' && before !== '?.') return false;
  return !['globalThis', 'timers', 'window'].includes(code[index - 2]?.text ?? '');
}

interface ImpureModule {
  readonly names: readonly string[] | 'all';
  /** The one name under which the whole module may be taken: its members are then found by `MEMBERS`. */
  readonly whole?: string;
}

const IMPURE_IMPORTS: Readonly<Record<string, ImpureModule>> = {
  'node:timers': { names: 'all' },
  'node:timers/promises': { names: 'all' },
  'node:perf_hooks': { names: ['performance'] },
  'node:process': { names: ['env', 'argv', 'hrtime', 'uptime'], whole: 'process' },
  'node:crypto': {
    names: ['randomBytes', 'randomUUID', 'randomInt', 'randomFill', 'randomFillSync', 'getRandomValues', 'webcrypto'],
    whole: 'crypto',
  },
};

function impureImports({ path, specifiers }: SourceFile): Finding[] {
  return specifiers.flatMap(({ name = '', line, bindings, whole }): Finding[] => {
    const impure = Object.hasOwn(IMPURE_IMPORTS, name) ? IMPURE_IMPORTS[name] : undefined;
    if (impure === undefined) return [];
    const { names } = impure;
    const taken = names === 'all' ? ['Anything'] : bindings.filter((binding) => names.includes(binding));
    const isHidden = whole !== undefined && whole !== impure.whole && names !== 'all';
    return [...taken, ...(isHidden ? [`The whole module as ${whole}`] : [])].map((what) => ({
      rule: 'R9',
      path,
      line,
      message: `${what} of ${name} here; only adapters/shared and main.ts may use it`,
    }));
  });
}

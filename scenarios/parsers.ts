// SPDX-License-Identifier: Apache-2.0
import type { Figure, MeasureOptions } from '../bench/figures.ts';
import { type FuzzResult, fuzz, HANG_MS, heapBytes } from './parsers/fuzz.ts';
import { type FuzzedParser, fuzzedParsers } from './parsers/list.ts';

export const name = 'parsers';

const INPUTS = 1_000_000;

export const flags = {
  inputs: { sentence: 'inputs over all parsers', default: INPUTS, min: 1_000, max: 100_000_000 },
} as const;

/** What a heap may grow by over a million inputs: the tables of names that a process fills once. */
const GROWTH_BYTES_MAX = 16 * 1_048_576;

/** No bytes from the network crash a parser, make it hang or fill the memory; what is not taken is refused by a name. */
export async function run({ seed, log, flags: given }: MeasureOptions): Promise<readonly Figure[]> {
  const { inputs = flags.inputs.default } = given;
  const parsers = await fuzzedParsers();
  const sizes = sizesOf(parsers, inputs);
  // Once before, so that what a process keeps for good is there.
  for (const parser of parsers) await fuzz(parser, Math.min(WARM_UP, sizes.get(parser.name) ?? 0), `${seed}/warm`);
  const before = heapBytes();
  const results: FuzzResult[] = [];
  for (const parser of parsers) {
    const result = await fuzz(parser, sizes.get(parser.name) ?? 0, seed);
    results.push(result);
    const { inputs: count, taken, outerPassed, slowestMs } = result;
    log(
      `${parser.name}: ${count} inputs, ${outerPassed} passed the outer parse, ${taken} taken, slowest ${slowestMs.toFixed(1)} ms`,
    );
    for (const one of [...result.crashes, ...result.unnamed].slice(0, 3)) log(`  ${one}`);
  }
  const growth = heapBytes() - before;
  return figuresOf(results, { growth, isWhole: inputs >= INPUTS });
}

const WARM_UP = 500;

/** Bytes cost a stream each: they get their share, the texts the rest. */
export function sizesOf(parsers: readonly FuzzedParser[], inputs: number): ReadonlyMap<string, number> {
  const sizes = new Map<string, number>();
  let left = inputs;
  for (const parser of parsers) {
    if (parser.kind === 'text') continue;
    const size = Math.ceil((inputs * parser.shareOfThousand) / 1_000);
    sizes.set(parser.name, size);
    left -= size;
  }
  const texts = parsers.filter((one) => one.kind === 'text');
  for (const { name: one } of texts) sizes.set(one, Math.ceil(left / texts.length));
  return sizes;
}

function figuresOf(
  results: readonly FuzzResult[],
  { growth, isWhole }: { readonly growth: number; readonly isWhole: boolean },
): readonly Figure[] {
  const sum = (of: (one: FuzzResult) => number) => results.reduce((total, one) => total + of(one), 0);
  const inputs = sum((one) => one.inputs);
  const outer = (100 * sum((one) => one.outerPassed)) / inputs;
  const slowestMs = Math.max(...results.map((one) => one.slowestMs));
  const crashes = sum((one) => one.crashes.length);
  const unnamed = sum((one) => one.unnamed.length);
  const growthMib = growth / 1_048_576;
  const reduced = isWhole ? {} : { isReduced: true as const };
  const row = (figure: string, value: number, ...[unit, goal, holds]: [string, string, boolean]): Figure => ({
    ...{ figure, value, unit, goal, holds, ...reduced },
  });
  return [
    row(`inputs, over ${results.length} parsers`, inputs, 'inputs', `>= ${INPUTS}`, inputs >= INPUTS || !isWhole),
    row('of them passed the outer parse', outer, '%', '>= 50 %', outer >= 50),
    row(
      'of them were taken',
      sum((one) => one.taken),
      'inputs',
      '> 0',
      sum((one) => one.taken) > 0,
    ),
    row('crashes', crashes, 'inputs', '0', crashes === 0),
    row('refused without a name', unnamed, 'inputs', '0', unnamed === 0),
    row('the slowest input', slowestMs, 'ms', `<= ${HANG_MS} ms`, slowestMs <= HANG_MS),
    row('growth of the heap', growthMib, 'MiB', '<= 16 MiB', growth <= GROWTH_BYTES_MAX),
  ];
}

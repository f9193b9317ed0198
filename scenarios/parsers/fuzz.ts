// SPDX-License-Identifier: Apache-2.0
import process from 'node:process';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { below, prng } from '@outrider/domain/kernel/prng';
import fc from 'fast-check';
import type { FuzzedParser, Verdict } from './list.ts';
import { type Draw, mutatedBytes, mutatedText } from './mutate.ts';

/** What one parser made of its inputs. */
export interface FuzzResult {
  readonly name: string;
  readonly inputs: number;
  readonly taken: number;
  /** Inputs whose outermost shell was whole: JSON, a frame, an element of DER. */
  readonly outerPassed: number;
  /** Inputs that were thrown at by something else than a named refusal: the first ones, shortened. */
  readonly crashes: readonly string[];
  readonly unnamed: readonly string[];
  readonly slowestMs: number;
}

/** An input that takes more processor time than this hangs, if it takes as much each time. */
export const HANG_MS = 50;

/** Draws the inputs, gives them to the parser, and looks at what it says. */
export async function fuzz(parser: FuzzedParser, inputs: number, seed: string): Promise<FuzzResult> {
  const draw: Draw = { source: prng(`${seed}/${parser.name}`), strange: strangeValues(seed) };
  let [taken, outerPassed, slowestMs] = [0, 0, 0];
  const crashes: string[] = [];
  const unnamed: string[] = [];
  for (let index = 0; index < inputs; index++) {
    const input = inputOf(parser, draw);
    if (passesOuter(parser, input)) outerPassed++;
    try {
      const { verdict, tookMs } = await timed(parser, input);
      slowestMs = Math.max(slowestMs, tookMs);
      if (verdict.ok) taken++;
      else if (!isNamed(verdict.error)) unnamed.push(shown(input));
    } catch (cause) {
      crashes.push(`${cause instanceof Error ? cause.message : String(cause)}: ${shown(input)}`);
    }
  }
  return { name: parser.name, inputs, taken, outerPassed, crashes, unnamed, slowestMs };
}

/** Bytes of the heap after everything that can be forgotten was forgotten. */
export function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect === 'function') {
    collect();
    collect();
  }
  return process.memoryUsage().heapUsed;
}

function inputOf(parser: FuzzedParser, draw: Draw): string | Uint8Array {
  if (parser.kind === 'text') return mutatedText(parser.golden[below(draw.source, parser.golden.length)] ?? '', draw);
  return mutatedBytes(parser.golden[below(draw.source, parser.golden.length)] ?? new Uint8Array(), draw);
}

async function read(parser: FuzzedParser, input: string | Uint8Array): Promise<Verdict> {
  if (parser.kind === 'text') return parser.parse(String(input));
  return parser.parse(typeof input === 'string' ? Buffer.from(input) : input);
}

/**
 * By the processor time of this thread: what other programs of the machine do is no fault of a parser. Rubbish is collected on this thread
 * too, now and then: a slow reading is made again, and a parser that hangs is slow each time.
 */
async function timed(parser: FuzzedParser, input: string | Uint8Array) {
  let tookMs = Number.POSITIVE_INFINITY;
  let verdict: Verdict = { ok: true };
  for (let again = 0; again < 4 && tookMs > HANG_MS; again++) {
    const began = process.threadCpuUsage();
    verdict = parser.kind === 'text' ? parser.parse(String(input)) : await read(parser, input);
    const { user, system } = process.threadCpuUsage(began);
    tookMs = Math.min(tookMs, (user + system) / 1_000);
  }
  return { verdict, tookMs };
}

function passesOuter(parser: FuzzedParser, input: string | Uint8Array): boolean {
  if (typeof input !== 'string') return parser.kind === 'bytes' && parser.passesOuter(input);
  try {
    JSON.parse(input);
    return true;
  } catch {
    return false;
  }
}

/** A code, or a sentence. */
function isNamed(error: unknown): boolean {
  if (typeof error === 'string') return error !== '';
  if (typeof error !== 'object' || error === null || !('code' in error)) return false;
  return typeof error.code === 'string' && error.code !== '';
}

function shown(input: string | Uint8Array): string {
  const text = typeof input === 'string' ? JSON.stringify(input) : Buffer.from(input).toString('hex');
  return text.slice(0, SHOWN_CHARACTERS);
}

const SHOWN_CHARACTERS = 400;
const STRANGE_VALUES = 3_000;

const drawn = new Map<string, readonly unknown[]>();

/** Drawn once for a seed: the drawing costs more than all that is done with it. */
function strangeValues(seed: string): readonly unknown[] {
  const known = drawn.get(seed);
  if (known !== undefined) return known;
  const number = prng(`${seed}/strange`).next() * 2 ** 31;
  const values = fc.sample(fc.jsonValue({ maxDepth: 3 }), { numRuns: STRANGE_VALUES, seed: Math.floor(number) });
  drawn.set(seed, values);
  return values;
}

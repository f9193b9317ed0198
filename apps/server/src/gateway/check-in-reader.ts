// SPDX-License-Identifier: Apache-2.0
import type { CheckIn } from '@outrider/domain/gateway/check-in';
import { REPORTED_STATES, type ReportedState, type RunningSoftware } from '@outrider/domain/gateway/device-record';
import { ok, type Result } from '@outrider/domain/kernel/result';
import { parseCheckIn } from '@outrider/protocol/gateway/check-in';
import type { ParseError } from '@outrider/protocol/kernel/parse-error';
import { deviceId, rolloutId } from '@outrider/protocol/kernel/values';

/** Reads the body of a check-in, as `parseCheckIn` does. */
export type ReadCheckIn = (body: string) => Result<CheckIn, ParseError>;

/**
 * The same answers as `parseCheckIn`, sooner for what a fleet says time and again: the software that it runs is long, and thousands of
 * devices say it in the same words. Those words are read once and remembered; what stands around them is four or five short values.
 * Only canonical bodies go this way, all others the long one.
 */
export function checkInReader(): ReadCheckIn {
  const known = new Map<string, RunningSoftware>();

  function learn(words: string, running: RunningSoftware): void {
    if (words.length > WORDS_CHARACTERS_MAX || !isWhole(words)) return;
    // What is said now counts more than what was said last month.
    const [oldest] = known.size >= WORDS_KEPT_MAX ? known.keys() : [];
    if (oldest !== undefined) known.delete(oldest);
    known.set(words, running);
  }

  return (body) => {
    const parts = partsOf(body);
    if (parts === undefined) return parseCheckIn(body);
    const running = known.get(parts.words);
    if (running !== undefined) {
      const { deviceId, sequence, state, rolloutId } = parts;
      return ok(
        rolloutId === undefined
          ? { deviceId, sequence, running, state }
          : { ...{ deviceId, sequence, running, state }, rolloutId },
      );
    }
    const parsed = parseCheckIn(body);
    if (parsed.ok) learn(parts.words, parsed.value.running);
    return parsed;
  };
}

/** Software that a fleet runs, in words of 300 characters each: some megabytes. */
const WORDS_KEPT_MAX = 10_000;
const WORDS_CHARACTERS_MAX = 2_000;

const HEAD = '{"deviceId":"';
const ROLLOUT = '","rolloutId":"';
const RUNNING = '","running":';
const SEQUENCE = ',"sequence":';
const STATE = ',"state":"';
const TAIL = '"}';

type Parts = Omit<CheckIn, 'running'> & { readonly words: string };

/** Taken apart from both ends. Whole in its middle (see `isWhole`), this is the one way to read it. */
function partsOf(body: string): Parts | undefined {
  const running = body.indexOf(RUNNING, HEAD.length);
  const sequence = body.lastIndexOf(SEQUENCE);
  const state = body.indexOf(STATE, sequence);
  if (running === -1 || sequence < running || state === -1) return undefined;
  if (!body.startsWith(HEAD) || !body.endsWith(TAIL)) return undefined;
  const rollout = body.lastIndexOf(ROLLOUT, running);
  const id = deviceId(body.slice(HEAD.length, rollout === -1 ? running : rollout));
  const about = rollout === -1 ? undefined : rolloutId(body.slice(rollout + ROLLOUT.length, running));
  if (about?.ok === false) return undefined;
  const digits = body.slice(sequence + SEQUENCE.length, state);
  const told = body.slice(state + STATE.length, -TAIL.length);
  if (!id.ok || !SEQUENCE_DIGITS.test(digits) || !isState(told)) return undefined;
  const words = body.slice(running + RUNNING.length, sequence);
  const parts = { deviceId: id.value, sequence: Number(digits), state: told, words };
  return about === undefined ? parts : { ...parts, rolloutId: about.value };
}

/** From 1, as JSON writes it, and exact as a number. */
const SEQUENCE_DIGITS = /^[1-9][0-9]{0,14}$/;

function isState(text: string): text is ReportedState {
  return Object.hasOwn(REPORTED_STATES, text);
}

/** Whether the words are one JSON value by themselves: then no member of the body begins or ends within them. */
function isWhole(words: string): boolean {
  try {
    JSON.parse(words);
    return true;
  } catch (cause) {
    if (cause instanceof SyntaxError) return false;
    throw cause;
  }
}

// SPDX-License-Identifier: Apache-2.0
import { below, type Prng, prng } from '@outrider/domain/kernel/prng';

/** One blow: what is cut off, and how the rest of it follows. */
export type Strike =
  | { readonly kind: 'server' }
  | { readonly kind: 'postmaster' }
  /** One process of PostgreSQL that serves a connection: the postmaster then ends all others and recovers. */
  | { readonly kind: 'backend'; readonly choice: number }
  | { readonly kind: 'both' }
  /** One, and the other a while later. */
  | { readonly kind: 'server-then-postmaster'; readonly gapMs: number }
  | { readonly kind: 'postmaster-then-server'; readonly gapMs: number }
  /** The server, and the one that was started in its place, on its way up. */
  | { readonly kind: 'server-while-starting'; readonly gapMs: number }
  /** PostgreSQL, and the one that was started in its place, while it recovers. */
  | { readonly kind: 'postmaster-while-recovering'; readonly gapMs: number }
  /** SIGTERM, and SIGKILL while it drains. */
  | { readonly kind: 'server-while-draining'; readonly gapMs: number };

/** When it falls: after so many answers in a round of traffic, or so long after its beginning, which decides. */
export type Moment =
  | { readonly kind: 'answers'; readonly count: number }
  | { readonly kind: 'milliseconds'; readonly delayMs: number };

export interface PlannedKill {
  readonly number: number;
  readonly moment: Moment;
  readonly strike: Strike;
}

/** Each kind as often as its weight says. */
const WEIGHTS: Readonly<Record<Strike['kind'], number>> = {
  server: 5,
  postmaster: 3,
  backend: 3,
  both: 2,
  'server-then-postmaster': 2,
  'postmaster-then-server': 2,
  'server-while-starting': 3,
  'postmaster-while-recovering': 2,
  'server-while-draining': 2,
};

/** A round of a fleet of two thousand has some hundreds of answers: later ones would fall into silence. */
const ANSWERS_MAX = 250;
/** A round begins with a decision, which takes some tens of milliseconds. */
const DECISION_MS = 120;
/** Of these many kills one falls into a decision. */
const DECISION_EVERY = 4;
/** A drain takes some hundred milliseconds, the start of a server a second, of PostgreSQL a quarter of one. */
const GAP_MS_MAX = {
  'server-then-postmaster': 400,
  'postmaster-then-server': 400,
  'server-while-starting': 1_200,
  'postmaster-while-recovering': 300,
  'server-while-draining': 300,
} as const;

/** The same seed plans the same kills, and more of them never change the ones before. */
export function planKills(seed: string, count: number): readonly PlannedKill[] {
  return Array.from({ length: count }, (_, index) => {
    const source = prng(`${seed}/kill/${index}`);
    return { number: index + 1, moment: momentOf(source), strike: strikeOf(source) };
  });
}

function momentOf(source: Prng): Moment {
  if (below(source, DECISION_EVERY) === 0) return { kind: 'milliseconds', delayMs: below(source, DECISION_MS) };
  return { kind: 'answers', count: 1 + below(source, ANSWERS_MAX) };
}

function strikeOf(source: Prng): Strike {
  const kind = kindOf(source);
  switch (kind) {
    case 'server':
    case 'postmaster':
    case 'both':
      return { kind };
    case 'backend':
      return { kind, choice: source.next() };
    case 'server-then-postmaster':
    case 'postmaster-then-server':
    case 'server-while-starting':
    case 'postmaster-while-recovering':
    case 'server-while-draining':
      return { kind, gapMs: below(source, GAP_MS_MAX[kind]) };
  }
}

function kindOf(source: Prng): Strike['kind'] {
  const entries = Object.entries(WEIGHTS) as [Strike['kind'], number][];
  let rest = below(
    source,
    entries.reduce((sum, [, weight]) => sum + weight, 0),
  );
  for (const [kind, weight] of entries) {
    if (rest < weight) return kind;
    rest -= weight;
  }
  return 'server';
}

// SPDX-License-Identifier: Apache-2.0

/**
 * One condition of an answer, with the values that decide it. Answers are made by walking a list of these in order and
 * explanations by writing all of them down, so that an explanation can never tell another story than the answer.
 */
export interface Predicate<Subject, Code extends string> {
  /** The answer when it does not hold. */
  readonly code: Code;
  /** What must be true, in words an operator understands. */
  readonly claim: string;
  readonly holds: (subject: Subject) => boolean;
  readonly seen: (subject: Subject) => string;
  readonly needed: (subject: Subject) => string;
}

/** A predicate written down for one subject. */
export interface ExplainedPredicate {
  readonly predicate: string;
  readonly claim: string;
  readonly holds: boolean;
  readonly seen: string;
  readonly needed: string;
}

/** Position of the first predicate that does not hold, or the length of the list when all hold. */
export function firstFailing<Subject>(predicates: readonly Predicate<Subject, string>[], subject: Subject): number {
  // A plain loop: each check-in walks the list once for every live rollout.
  let index = 0;
  while (index < predicates.length && predicates[index]?.holds(subject) === true) index++;
  return index;
}

/** All predicates with their values, in order. */
export function explainPredicates<Subject>(
  predicates: readonly Predicate<Subject, string>[],
  subject: Subject,
): readonly ExplainedPredicate[] {
  return predicates.map((predicate) => ({
    predicate: predicate.code,
    claim: predicate.claim,
    holds: predicate.holds(subject),
    seen: predicate.seen(subject),
    needed: predicate.needed(subject),
  }));
}

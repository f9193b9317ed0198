// SPDX-License-Identifier: Apache-2.0
import type { Sha256 } from '@outrider/domain/kernel/ids';
import { type EventLog, eventLog, type LoggedEvent } from './event-log.ts';
import { type Violation, ViolationError } from './oracles/violation.ts';
import { CRASH } from './oracles/watch.ts';
import type { SimCase } from './sim-case.ts';
import type { SignatureKind } from './sim-keys.ts';
import { type SimulationSummary, simulate } from './simulate.ts';

/** How a run ended, and the digest of all that happened up to there. */
export type CaseOutcome = {
  readonly digest: Sha256;
  readonly counts: Readonly<Record<LoggedEvent['kind'], number>>;
} & (
  | { readonly kind: 'held'; readonly summary: SimulationSummary }
  | { readonly kind: 'broken'; readonly violation: Violation }
);

/** Plays a case to its end, or to the step in which a promise was broken. Whatever is thrown on the way is one that was. */
export async function runCase(
  simCase: SimCase,
  options: {
    readonly signatures?: SignatureKind;
    readonly log?: EventLog;
    readonly warn?: (line: string) => void;
  } = {},
): Promise<CaseOutcome> {
  const { signatures = 'quick', log = eventLog({}), warn = () => undefined } = options;
  try {
    const summary = await simulate({ simCase, signatures, log, warn });
    return { kind: 'held', summary, digest: log.digest(), counts: log.counts() };
  } catch (cause) {
    return { kind: 'broken', violation: violationOf(cause), digest: log.digest(), counts: log.counts() };
  }
}

/** An error that is no oracle's has no step of its own: the digest says how far the run came. */
function violationOf(cause: unknown): Violation {
  if (cause instanceof ViolationError) return cause.violation;
  return { oracle: CRASH, step: 0, facts: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause) };
}

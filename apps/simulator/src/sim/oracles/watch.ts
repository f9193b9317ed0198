// SPDX-License-Identifier: Apache-2.0
import type { MachineInstant } from '@outrider/domain/kernel/time';
import { capOracle } from './cap-oracle.ts';
import { durableOracle } from './durable-oracle.ts';
import { evidenceOracle } from './evidence-oracle.ts';
import { finalOracle } from './final-oracle.ts';
import { haltOracle } from './halt-oracle.ts';
import type { Observation, Oracle } from './observation.ts';
import { pauseOracle } from './pause-oracle.ts';
import { replayOracle } from './replay-oracle.ts';
import { silenceOracle } from './silence-oracle.ts';
import { slotOracle } from './slot-oracle.ts';
import { type Violation, ViolationError } from './violation.ts';

/** All oracles of one run, and the first promise that was broken. */
export interface Watch {
  see(observation: Observation): void;
  /** Something failed that names itself: an error in a server's log, an exception in an agent. */
  fail(facts: string): void;
  /** Throws ViolationError when a promise was broken. */
  check(): void;
}

/** The name of what is no oracle's: code that threw where nothing may throw. */
export const CRASH = 'crash';

export function createWatch(options: {
  readonly signedDigests: ReadonlySet<string>;
  readonly now: () => MachineInstant;
  readonly step: () => number;
  /** No server dies or is cut off from the store in this run. */
  readonly isMemoryKept: boolean;
}): Watch {
  const { signedDigests, now, step, isMemoryKept } = options;
  const oracles: readonly Oracle[] = [
    capOracle(),
    pauseOracle(),
    haltOracle(now),
    slotOracle(signedDigests),
    evidenceOracle(),
    ...(isMemoryKept ? [silenceOracle()] : []),
    durableOracle(),
    finalOracle(),
    replayOracle(),
  ];
  let first: Violation | undefined;

  return {
    see(observation) {
      for (const oracle of oracles) {
        const facts = oracle.see(observation);
        if (facts !== undefined) first ??= { oracle: oracle.name, step: step(), facts };
      }
    },
    fail(facts) {
      first ??= { oracle: CRASH, step: step(), facts };
    },
    check() {
      if (first !== undefined) throw new ViolationError(first);
    },
  };
}

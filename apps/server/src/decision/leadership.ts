// SPDX-License-Identifier: Apache-2.0
import { type DecidedBy, type DecisionLease, LeaseLostError, type Term } from '@outrider/domain/decision/lease-ports';
import { StoreAwayError } from '@outrider/domain/decision/store-away';
import { durationMs } from '@outrider/domain/kernel/time';
import type { Log, Schedule } from '../ports.ts';
import type { Decider } from './decider.ts';

/** Whether this server is the one that decides. */
export interface Leadership {
  /** One round of the decider, if this server has the lease or can take it; answers whether it was made. */
  tick(): Promise<boolean>;
  /** The decider of the term that this server has; undefined while another one decides. */
  current(): Decider | undefined;
  /** Takes and renews the lease by itself, and makes a round whenever it was gained; answers with the way to end it. */
  start(): () => Promise<void>;
  /** Gives the lease back, so that the next server need not wait for its end. */
  release(): Promise<void>;
}

/** A third of the lease (15 s, see `decision-lease.ts`): two renewals may be lost. */
const RENEW_EVERY_MS = durationMs(5_000);

/**
 * A decider for each term: what one remembers of evidence and decisions may be out of date once another server has decided, so
 * nothing of it outlives its term.
 */
export function leadership(options: {
  readonly lease: DecisionLease;
  /** This server, by a name that it keeps over restarts. */
  readonly holder: string;
  readonly createDecider: (acts: DecidedBy) => Decider;
  readonly schedule: Schedule;
  readonly log: Log;
}): Leadership {
  const { lease, holder, createDecider, schedule, log } = options;
  let led: { readonly term: Term; readonly decider: Decider } | undefined;
  let taking: Promise<boolean> | undefined;

  /** Takes or renews; answers whether a new term began here. */
  function take(): Promise<boolean> {
    taking ??= takeOnce().finally(() => {
      taking = undefined;
    });
    return taking;
  }

  async function takeOnce(): Promise<boolean> {
    const before = led?.term;
    const term = await lease.take(holder, before);
    if (term === before) return false;
    if (before !== undefined) lost(before);
    if (term === undefined) return false;
    led = { term, decider: createDecider(lease.under(term)) };
    log.info({ stage: 'decision', code: 'lease-taken', term, holder }, 'This server decides');
    return true;
  }

  function lost(term: Term): void {
    if (led?.term !== term) return;
    led = undefined;
    log.warn({ stage: 'decision', code: 'lease-lost', term, holder }, 'Another server decides');
  }

  async function tick(): Promise<boolean> {
    await take();
    const mine = led;
    if (mine === undefined) return false;
    try {
      await mine.decider.tick();
      return true;
    } catch (cause) {
      if (!(cause instanceof LeaseLostError)) throw cause;
      lost(mine.term);
      return false;
    }
  }

  return {
    tick,
    current: () => led?.decider,
    start() {
      let isEnded = false;
      let underWay: Promise<void> = Promise.resolve();
      let cancel = schedule.after(durationMs(0), again);
      function again(): void {
        underWay = renewed().finally(() => {
          if (!isEnded) cancel = schedule.after(RENEW_EVERY_MS, again);
        });
      }
      async function renewed(): Promise<void> {
        try {
          if ((await take()) && !isEnded) await tick();
        } catch (cause) {
          // The lease runs on, or out, by itself; the reading of the policy says that the store is away.
          if (!(cause instanceof StoreAwayError)) {
            log.error({ stage: 'decision', code: 'tick-failed', err: cause }, 'No decision was made');
          }
        }
      }
      return () => {
        isEnded = true;
        cancel();
        return underWay;
      };
    },
    async release() {
      const mine = led;
      led = undefined;
      if (mine !== undefined) await lease.release(mine.term);
    },
  };
}

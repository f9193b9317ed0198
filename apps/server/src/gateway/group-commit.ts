// SPDX-License-Identifier: Apache-2.0
import { StoreAwayError } from '@outrider/domain/decision/store-away';
import { assert } from '@outrider/domain/kernel/assert';
import type { DurationMs } from '@outrider/domain/kernel/time';
import type { Schedule } from '../ports.ts';

/** Many requests, one round trip: while a batch is under way the next one gathers. */
export interface GroupCommit<Item, Answer> {
  /** The item's answer once its batch is done; rejects with what the batch threw, or when too many are waiting. */
  add(item: Item): Promise<Answer>;
  /** Starts what is waiting at once; resolves when all that was added before has been answered. */
  flush(): Promise<void>;
}

export interface GroupCommitOptions<Item, Answer> {
  /** One round trip for all items; answers in their order. */
  readonly commit: (items: readonly Item[]) => Promise<readonly Answer[]>;
  readonly itemsMax: number;
  /** Items that may wait; the next is turned away as if the store were away, so that a queue never grows unseen. */
  readonly waitingMax: number;
  /** How long the first item of an idle group waits for company. */
  readonly gatherMs: DurationMs;
  readonly schedule: Schedule;
}

interface Waiting<Item, Answer> {
  readonly item: Item;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (cause: unknown) => void;
}

/** Gathers items into batches of at most `itemsMax`, one batch in flight, in the order of arrival. */
export function groupCommit<Item, Answer>(options: GroupCommitOptions<Item, Answer>): GroupCommit<Item, Answer> {
  const waiting: Waiting<Item, Answer>[] = [];
  let underWay: Promise<void> | undefined;
  let isScheduled = false;

  function start(): void {
    isScheduled = false;
    if (underWay !== undefined || waiting.length === 0) return;
    underWay = commitAll();
  }

  async function commitAll(): Promise<void> {
    while (waiting.length > 0) await settle(options.commit, waiting.splice(0, options.itemsMax));
    // In the turn in which nobody waits any more: whoever comes a moment later starts a batch of its own.
    underWay = undefined;
  }

  return {
    add(item) {
      if (waiting.length >= options.waitingMax) {
        return Promise.reject(
          new StoreAwayError(`${waiting.length} requests are waiting, the most is ${options.waitingMax}`, 'overloaded'),
        );
      }
      return new Promise((resolve, reject) => {
        waiting.push({ item, resolve, reject });
        if (underWay !== undefined || isScheduled) return;
        isScheduled = true;
        options.schedule.after(options.gatherMs, start);
      });
    },
    async flush() {
      start();
      await underWay;
    },
  };
}

/** Commits one batch and tells each waiter; never rejects itself. */
async function settle<Item, Answer>(
  commit: GroupCommitOptions<Item, Answer>['commit'],
  batch: readonly Waiting<Item, Answer>[],
): Promise<void> {
  try {
    const answers = await commit(batch.map((one) => one.item));
    assert(answers.length === batch.length, `${batch.length} answers from a batch, got ${answers.length}`);
    for (const [index, answer] of answers.entries()) batch[index]?.resolve(answer);
  } catch (cause) {
    // The port has named the cause; each waiter answers its own request with it.
    for (const one of batch) one.reject(cause);
  }
}

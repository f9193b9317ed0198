// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as elapse } from 'node:timers/promises';
import type { PolicyNotices } from '@outrider/domain/policy/ports';

/** A bus for a case, and what can befall it. */
export interface NoticeBus {
  open(): PolicyNotices;
  /** Cuts every connection to it; those who use it come back by themselves. */
  cut(): Promise<void>;
}

/** Far more than any bus needs on a busy machine; only a failing case waits for as long. */
const PATIENCE_MS = 30_000;
const TELL_EVERY_MS = 100;

/** What every bus of notices must do: bring a look to all who follow, sooner or later, and never be in the way. */
export function policyNoticesContract(adapter: string, bus: () => Promise<NoticeBus>): void {
  describe(`policy notices: ${adapter}`, () => {
    test('a server that tells makes every other one look', async () => {
      const { open } = await bus();
      const [teller, one, other] = [open(), open(), open()];
      try {
        await Promise.all([looks(teller, one), looks(teller, other)]);
      } finally {
        await closeAll([teller, one, other]);
      }
    });

    test('after the connections were cut notices come again by themselves', async () => {
      const { open, cut } = await bus();
      const [teller, listener] = [open(), open()];
      try {
        await looks(teller, listener);
        await cut();
        await looks(teller, listener);
      } finally {
        await closeAll([teller, listener]);
      }
    });

    test('whoever has ended following is left alone, and telling after the end harms nobody', async () => {
      const { open } = await bus();
      const [teller, listener] = [open(), open()];
      try {
        let seen = 0;
        listener.follow(() => seen++)();
        await looks(teller, listener);
        assert.equal(seen, 0);
      } finally {
        await closeAll([teller, listener]);
      }
      teller.tell();
    });
  });
}

/** Tells until it is seen: any single notice may be lost. */
async function looks(teller: PolicyNotices, listener: PolicyNotices): Promise<void> {
  const end = new AbortController();
  const seen = new Promise<'seen'>((resolve) => {
    const unfollow = listener.follow(() => resolve('seen'));
    end.signal.addEventListener('abort', unfollow);
  });
  try {
    for (let waitedMs = 0; waitedMs < PATIENCE_MS; waitedMs += TELL_EVERY_MS) {
      teller.tell();
      if ((await Promise.race([seen, elapse(TELL_EVERY_MS)])) === 'seen') return;
    }
    assert.fail(`No notice came within ${PATIENCE_MS} ms`);
  } finally {
    end.abort();
  }
}

async function closeAll(all: readonly PolicyNotices[]): Promise<void> {
  await Promise.all(all.map((one) => one.close()));
}

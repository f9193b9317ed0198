// SPDX-License-Identifier: Apache-2.0
import { durationMs } from '@outrider/domain/kernel/time';
import type { Cancel, Schedule } from '../ports.ts';

/** The sender sent too little for too long. */
export class BodyTooSlow extends Error {
  override readonly name = 'BodyTooSlow';
}

/** How long a sender is given for the next `STRETCH_BYTES_MIN`. */
export const STRETCH_MS = durationMs(30_000);

/** Two kilobytes a second: an import of the largest size would take nine hours at that, and is cut after ten minutes anyway. */
export const STRETCH_BYTES_MIN = 65_536;

/** A body that has to come at a pace. */
export interface PacedBody extends AsyncIterable<Uint8Array> {
  /** The reader is at work by itself: a stretch in which it was is not the sender's to fill. */
  excuse(): void;
}

/**
 * The body, as long as it comes at two kilobytes a second or faster while it is waited for; else reading it throws
 * BodyTooSlow. A mere limit on idleness would let a sender hold a place with a byte now and then.
 */
export function pacedBody(body: AsyncIterable<Uint8Array>, schedule: Schedule): PacedBody {
  let bytes = 0;
  let isExcused = false;
  let cancel: Cancel = () => {};

  async function* read(): AsyncGenerator<Uint8Array> {
    const source = body[Symbol.asyncIterator]();
    const slow = Promise.withResolvers<never>();
    // It may come while nobody waits for it.
    slow.promise.catch(() => undefined);
    function judge(): void {
      if (!isExcused && bytes < STRETCH_BYTES_MIN) {
        const detail = `Only ${bytes} bytes came in ${STRETCH_MS / 1_000} seconds, allowed are ${STRETCH_BYTES_MIN} or more`;
        slow.reject(new BodyTooSlow(detail));
      } else begin();
    }
    function begin(): void {
      bytes = 0;
      isExcused = false;
      cancel = schedule.after(STRETCH_MS, judge);
    }
    begin();
    try {
      for (;;) {
        const next = await Promise.race([source.next(), slow.promise]);
        if (next.done === true) return;
        bytes += next.value.length;
        yield next.value;
      }
    } finally {
      cancel();
      // Not waited for: it may itself wait for the sender.
      void source.return?.().catch(() => undefined);
    }
  }

  return {
    [Symbol.asyncIterator]: read,
    excuse() {
      isExcused = true;
    },
  };
}

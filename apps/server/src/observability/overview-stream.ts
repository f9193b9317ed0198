// SPDX-License-Identifier: Apache-2.0
import { durationMs } from '@outrider/domain/kernel/time';
import { isWhole, type Reach, WHOLE_REACH } from '@outrider/domain/trust/reach';
import type { Overview } from '@outrider/protocol/decision/overview';
import type { Schedule } from '../ports.ts';

/** The overview again and again, as server-sent events: read once a second, however many watch. */
export interface OverviewStream {
  /** Texts of events until the server stops or the watcher goes; undefined when too many watch already. */
  watch(reach?: Reach): AsyncGenerator<string> | undefined;
  watcherCount(): number;
  /** Ends all streams with their last whole event. */
  close(): void;
}

/** Once a second is what eyes can follow; it is also the heartbeat that tells a watcher that the server lives. */
const EVENT_EVERY_MS = durationMs(1_000);
/** Each holds a connection and a megabyte of buffers at worst. More people than this look at a screen that somebody shares. */
export const WATCHERS_MAX = 64;
/** How soon a browser connects again by itself after the stream has ended. */
const RETRY_MS = 2_000;

export function overviewStream(options: {
  readonly read: (reach: Reach) => Promise<Overview>;
  readonly schedule: Schedule;
  /** Told what a reading threw, which nobody foresaw; the stream goes on. */
  readonly onFault: (cause: unknown) => void;
}): OverviewStream {
  const { read, schedule, onFault } = options;
  let watchers = 0;
  let isClosed = false;
  let eventCount = 0;
  let next: Promise<string | undefined> | undefined;
  let endWait: (() => void) | undefined;

  /** The next event, shared by all who wait for it; undefined once the server stops. */
  function nextEvent(): Promise<string | undefined> {
    next ??= makeEvent().finally(() => {
      next = undefined;
    });
    return next;
  }

  async function makeEvent(): Promise<string | undefined> {
    await new Promise<void>((resolve) => {
      const cancel = schedule.after(EVENT_EVERY_MS, resolve);
      endWait = () => {
        cancel();
        resolve();
      };
    });
    return isClosed ? undefined : await eventText(WHOLE_REACH);
  }

  /** A comment in place of an event that could not be made still tells that the server lives. */
  async function eventText(reach: Reach): Promise<string> {
    try {
      const overview = await read(reach);
      eventCount++;
      return `id: ${eventCount}\nevent: overview\ndata: ${JSON.stringify(overview)}\n\n`;
    } catch (cause) {
      onFault(cause);
      return ': the overview could not be read\n\n';
    }
  }

  async function* events(reach: Reach): AsyncGenerator<string> {
    watchers++;
    try {
      yield `retry: ${RETRY_MS}\n\n`;
      yield await eventText(reach);
      // A watcher that reads slowly asks late, and misses events: none are kept for it.
      while (!isClosed) {
        const event = await nextEvent();
        if (event === undefined) return;
        // Shared by all who see everything; whoever sees a part has one of their own.
        yield isWhole(reach) ? event : await eventText(reach);
      }
    } finally {
      watchers--;
    }
  }

  return {
    watch: (reach = WHOLE_REACH) => (isClosed || watchers >= WATCHERS_MAX ? undefined : events(reach)),
    watcherCount: () => watchers,
    close() {
      isClosed = true;
      endWait?.();
    },
  };
}

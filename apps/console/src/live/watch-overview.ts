// SPDX-License-Identifier: Apache-2.0
import { type Overview, parseOverview } from '@outrider/protocol/decision/overview';
import type { ContactFault } from './contact.ts';
import { streamReader } from './event-stream.ts';
import type { Management } from './management.ts';

/** What a watcher is told; each call is newer than the one before. */
export interface OverviewSink {
  overview(overview: Overview): void;
  fault(fault: ContactFault): void;
}

export interface WatchOptions {
  readonly management: Management;
  readonly sink: OverviewSink;
  /** Runs the work once, later; gives a function that takes it back. */
  readonly after: (delayMs: number, work: () => void) => () => void;
}

/** As the server asks in `retry`: a restart takes seconds, and a person is waiting. */
const RECONNECT_MS = 2_000;
/** A stream that says nothing for so long is dead though nobody closed it: a laptop slept, a network changed. */
const SILENT_STREAM_MS = 10_000;

/** Follows the overview until it is stopped, connecting again by itself. Gives the function that stops it. */
export function watchOverview({ management, sink, after }: WatchOptions): () => void {
  let isStopped = false;
  let abort = new AbortController();
  let takeBack = (): void => {};

  async function connect(): Promise<void> {
    abort = new AbortController();
    const fault = await readStream(abort);
    if (isStopped) return;
    sink.fault(fault);
    // A token that was refused will be refused again: the person has to sign in.
    if (fault !== 'token-refused') takeBack = after(RECONNECT_MS, () => void connect());
  }

  /** Resolves with the reason when there is nothing more to read. */
  async function readStream(own: AbortController): Promise<ContactFault> {
    const endSilence = silenceGuard(own);
    try {
      const response = await management.openStream(own.signal);
      if (response?.body == null) return 'unreachable';
      if (!response.ok) return faultOf(response.status);
      const stream = streamReader();
      for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
        endSilence.heard();
        for (const part of stream.take(piece)) {
          if (part.kind !== 'event' || part.name !== 'overview') continue;
          const overview = parseOverview(part.data);
          if (!overview.ok) return 'page-outdated';
          if (!isStopped) sink.overview(overview.value);
        }
      }
      return 'unreachable';
    } catch (cause) {
      if (isEndOfStream(cause)) return 'unreachable';
      throw cause;
    } finally {
      endSilence.stop();
      own.abort();
    }
  }

  function silenceGuard(own: AbortController): { heard(): void; stop(): void } {
    let stop = after(SILENT_STREAM_MS, () => own.abort());
    return {
      heard() {
        stop();
        stop = after(SILENT_STREAM_MS, () => own.abort());
      },
      stop: () => stop(),
    };
  }

  void connect();
  return () => {
    isStopped = true;
    takeBack();
    abort.abort();
  };
}

function faultOf(status: number): ContactFault {
  if (status === 401) return 'token-refused';
  return status === 429 ? 'too-many-watch' : 'unreachable';
}

/** How a browser says that the connection broke, that we hung up, or that an event had no end. */
function isEndOfStream(cause: unknown): boolean {
  return cause instanceof TypeError || cause instanceof RangeError || cause instanceof DOMException;
}

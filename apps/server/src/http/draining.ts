// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { DurationMs } from '@outrider/domain/kernel/time';
import { encodeProblem, PROBLEM_MEDIA_TYPE, problemStatus } from '@outrider/protocol/kernel/problem';
import type { Schedule } from '../ports.ts';

/** Keeps count of the requests under way, and turns new ones away once the server stops. */
export interface DrainGate {
  /** False: the server stops, and the request has been answered with 503 here. */
  admits(request: IncomingMessage, response: ServerResponse): boolean;
  /** False once the server leaves or stops: each answer then says so, and ends its connection. */
  isOpen(): boolean;
  /** Counts as under way what is no response of node:http; answers with the way to say that it is done. */
  hold(): () => void;
  /**
   * From now on the server says that it is not ready, so that a balancer sends nobody new, and ends each connection with its
   * next answer, so that whoever keeps one opens the next elsewhere. All else is answered as before.
   */
  leave(): void;
  /**
   * From now on new requests are turned away and every connection ends with its answer. Resolves when the last request
   * under way has been answered, or after `limitMs`, with how many were not.
   */
  drain(limitMs: DurationMs): Promise<number>;
}

/** A supervisor has started the next server by then; devices add their own spread. */
const RETRY_AFTER_S = 5;

/** Whether the process works is still true while it stops. */
const LIVE_PATH = '/health/live';
/** What a balancer asks. */
const READY_PATH = '/health/ready';

export function drainGate(schedule: Schedule): DrainGate {
  const underWay = new Set<ServerResponse>();
  let held = 0;
  let isLeaving = false;
  let isDraining = false;
  let onEmpty: () => void = () => {};

  function admits(request: IncomingMessage, response: ServerResponse): boolean {
    if (isLeaving || isDraining) {
      response.shouldKeepAlive = false;
      if (isDraining ? request.url !== LIVE_PATH : request.url === READY_PATH) {
        turnAway(request, response);
        return false;
      }
    }
    underWay.add(response);
    // `close` comes in any case: after the last byte of the answer, and when the peer went away before.
    response.once('close', () => {
      underWay.delete(response);
      if (count() === 0) onEmpty();
    });
    return true;
  }

  function count(): number {
    return underWay.size + held;
  }

  function hold(): () => void {
    held++;
    return () => {
      held--;
      if (count() === 0) onEmpty();
    };
  }

  function drain(limitMs: DurationMs): Promise<number> {
    isDraining = true;
    for (const response of underWay) {
      // Node then says `Connection: close` in an answer whose head has not been sent.
      response.shouldKeepAlive = false;
      if (isStream(response)) response.end();
    }
    if (count() === 0) return Promise.resolve(0);
    return new Promise((resolve) => {
      const cancel = schedule.after(limitMs, () => resolve(count()));
      onEmpty = () => {
        cancel();
        resolve(0);
      };
    });
  }

  return {
    admits,
    isOpen: () => !isLeaving && !isDraining,
    hold,
    leave() {
      isLeaving = true;
    },
    drain,
  };
}

/** A stream of events has no end of its own: what is left of it is asked for anew by its reader. */
function isStream(response: ServerResponse): boolean {
  return response.headersSent && String(response.getHeader('content-type')).startsWith('text/event-stream');
}

function turnAway(request: IncomingMessage, response: ServerResponse): void {
  const detail = `The server is stopping and takes no more requests; send it again in ${RETRY_AFTER_S} s`;
  const body = encodeProblem({ code: 'shutting-down', detail });
  response.writeHead(problemStatus('shutting-down'), {
    'content-type': PROBLEM_MEDIA_TYPE,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'retry-after': String(RETRY_AFTER_S),
    connection: 'close',
  });
  response.end(request.method === 'HEAD' ? undefined : body);
  // A socket closed over unread bytes is reset, and the peer would never see the answer.
  request.resume();
}

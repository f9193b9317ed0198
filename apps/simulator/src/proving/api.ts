// SPDX-License-Identifier: Apache-2.0
import { encodeJson, parseText } from '@outrider/protocol/kernel/json-text';
import type { Reader } from '@outrider/protocol/kernel/reader';

/** One request of the management API and what is to be read of its answer. */
export interface Question<T> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'HEAD';
  readonly path: string;
  readonly body?: object | Uint8Array;
  readonly reader: Reader<T>;
}

/** The answer of a server that may be killed at any moment: undefined is no acknowledgement, whatever was the cause. */
export type Ask = <T>(question: Question<T>) => Promise<T | undefined>;

/** Nothing waits for longer: what was not acknowledged by then is asked again. */
const ANSWER_MS = 15_000;
const ANSWER_BYTES_MAX = 16_777_216;

/** Asks with the administrator's token. `onRefusal` hears what was refused for good (a 4xx but 409). */
export function asker(options: {
  readonly url: string;
  readonly token: string;
  readonly onRefusal: (text: string) => void;
  /** Hears every other answer that is none, and what kept one away. */
  readonly onFault?: (text: string) => void;
}): Ask {
  const { url, token, onRefusal, onFault } = options;
  return async ({ method, path, body, reader }) => {
    const isBytes = body instanceof Uint8Array;
    try {
      const response = await fetch(`${url}/api/v1${path}`, {
        method,
        signal: AbortSignal.timeout(ANSWER_MS),
        headers: {
          authorization: `Bearer ${token}`,
          ...(body && { 'content-type': isBytes ? 'application/octet-stream' : 'application/json' }),
        },
        ...(body && { body: isBytes ? body : encodeJson(body) }),
      });
      const text = await response.text();
      if (response.ok) {
        const parsed = parseText(text, { noun: 'answer', bytesMax: ANSWER_BYTES_MAX, reader });
        return parsed.ok ? parsed.value : undefined;
      }
      // 409: what was asked has become so already, perhaps by a request whose answer was lost.
      if (response.status < 500 && response.status !== 409) onRefusal(`${method} ${path}: ${text}`);
      else onFault?.(`${method} ${path}: ${text}`);
      return undefined;
    } catch (cause) {
      // A connection that broke or was refused: what a kill looks like from outside.
      onFault?.(
        `${method} ${path}: ${cause instanceof Error ? `${cause.message} ${String(cause.cause ?? '')}` : String(cause)}`,
      );
      return undefined;
    }
  };
}

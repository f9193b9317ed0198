// SPDX-License-Identifier: Apache-2.0

/** One event of a stream (WHATWG HTML, server-sent events), or the sign of life that a comment is. */
export type StreamPart =
  | { readonly kind: 'event'; readonly name: string; readonly data: string }
  | { readonly kind: 'heartbeat' };

export interface StreamReader {
  /** Takes the next piece of text, cut anywhere, and gives the parts that are whole now. */
  take(piece: string): readonly StreamPart[];
}

/** An overview is below a megabyte (24 rollouts, cut lists); a stream that sends more without an end is not ours. */
export const EVENT_CHARACTERS_MAX = 8_388_608;

/**
 * Reads a stream of events piece by piece. A browser's own EventSource cannot send the token, and a token in an address
 * would stand in every log on the way. Throws RangeError when one event is longer than it may be.
 */
export function streamReader(): StreamReader {
  let rest = '';
  let name = '';
  let data: string[] = [];

  function lineRead(line: string): StreamPart | undefined {
    if (line === '') {
      const whole: StreamPart | undefined =
        data.length === 0 ? undefined : { kind: 'event', name: name || 'message', data: data.join('\n') };
      name = '';
      data = [];
      return whole;
    }
    if (line.startsWith(':')) return { kind: 'heartbeat' };
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') name = value;
    if (field === 'data') data.push(value);
    return undefined;
  }

  return {
    take(piece) {
      const lines = (rest + piece).split('\n');
      rest = lines.pop() ?? '';
      const held = rest.length + data.reduce((sum, one) => sum + one.length, 0);
      if (held > EVENT_CHARACTERS_MAX) throw new RangeError('An event is longer than any overview is');
      return lines.flatMap((line) => {
        const part = lineRead(line.endsWith('\r') ? line.slice(0, -1) : line);
        return part === undefined ? [] : [part];
      });
    },
  };
}

// SPDX-License-Identifier: Apache-2.0

/** Why a text is not the message it should be: the first place that is wrong, what stood there and what may stand there. */
export interface ParseError {
  readonly code: 'body-malformed';
  /** From the message's noun down, for example `check-in.running.components[2].digest`. */
  readonly path: string;
  /** Never a secret: keys, signatures and tokens are described by their length alone. */
  readonly seen: string;
  readonly allowed: string;
}

/** One sentence for people: the place, the value seen and the value allowed. */
export function describeParseError(error: ParseError): string {
  return `The value at ${error.path} is malformed: it is ${error.seen}, allowed is ${error.allowed}`;
}

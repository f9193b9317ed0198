// SPDX-License-Identifier: Apache-2.0
import { Buffer } from 'node:buffer';

/**
 * An ASCII text as one that holds nothing else. A piece that was cut out of a message keeps the whole message in memory: where pieces of
 * thousands of messages wait or stay, the collector would copy and keep half a kilobyte for each.
 */
export function ownText<Text extends string>(text: Text): Text {
  const { length } = text;
  if (length > CHARACTERS_MAX) return text;
  LETTERS.write(text, 0, length, 'latin1');
  // The same characters, and so the same kind of text.
  return LETTERS.toString('latin1', 0, length) as Text;
}

/** As long as ids may be; longer texts stay what they are. */
const CHARACTERS_MAX = 128;
/** Written and read in one turn. */
const LETTERS = Buffer.alloc(CHARACTERS_MAX);

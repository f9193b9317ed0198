// SPDX-License-Identifier: Apache-2.0

/** The demonstration cannot go on, and a person can do something about it: the message says what. Ends in exit code 1. */
export class DemoFault extends Error {
  override readonly name = 'DemoFault';
}

// SPDX-License-Identifier: Apache-2.0
import type { ExitName } from './exit-codes.ts';

/**
 * Ends a command: one sentence that says what happened, the value seen, the value allowed and what to do. Thrown anywhere
 * below a verb, caught once in `run.ts`.
 */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
  readonly exit: ExitName;
  /** A stable code when the server or a parser gave one; shown with --json. */
  readonly code: string;

  constructor(exit: ExitName, message: string, options: { readonly code?: string; readonly cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.exit = exit;
    this.code = options.code ?? exit;
  }
}

/** A flag, a word or a file's content is wrong. */
export function usageFailure(message: string): CommandFailure {
  return new CommandFailure('usage', message);
}

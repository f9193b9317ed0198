// SPDX-License-Identifier: Apache-2.0

/** How the agent ends, for supervisors; codes never change. */
export const EXIT_CODES = {
  /** Told to stop, or its conductor went away. */
  stopped: 0,
  /** A fault nobody foresaw; a restart goes on from the journal. */
  failed: 1,
  /** A flag is missing, unknown or malformed. */
  usage: 2,
  /** The data folder or a file in it cannot be used. */
  'data-folder': 3,
  /** The server refused the registration, or asked for something this agent does not understand. */
  refused: 4,
  /** The server cannot be reached, and without a registration there is nothing to do. */
  unreachable: 5,
  /** Start me again: the device reboots (`--reboot exit`). */
  reboot: 75,
} as const;

/** An end with a sentence for people: what happened, what was seen, what is allowed, what to do. */
export class AgentEnd extends Error {
  override readonly name = 'AgentEnd';
  readonly end: keyof typeof EXIT_CODES;

  constructor(end: keyof typeof EXIT_CODES, message: string, cause?: unknown) {
    super(message, { cause });
    this.end = end;
  }
}

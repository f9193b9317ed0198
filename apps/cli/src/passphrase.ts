// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { errorCode } from '@outrider/adapters/shared/files';
import { CommandFailure } from './failure.ts';
import type { World } from './world.ts';

/** Where a passphrase comes from. */
export interface PassphraseFlags {
  readonly passphraseFd?: number;
}

/** The flag of every verb that opens or makes a key. */
export const PASSPHRASE_FD = [
  '--passphrase-fd <number>',
  'read the passphrase of the keys from this open file (default: OUTRIDER_PASSPHRASE, else a question)',
] as const;

/** Shorter ones are found by trying: scrypt makes a guess cost a tenth of a second, no more. */
export const PASSPHRASE_CHARACTERS_MIN = 12;
const PASSPHRASE_CHARACTERS_MAX = 1_024;

/** The passphrase from an open file, the environment, or the person at the terminal. */
export async function passphraseFor(world: World, flags: PassphraseFlags, question: string): Promise<string> {
  if (flags.passphraseFd !== undefined) return checked(fromDescriptor(flags.passphraseFd), 'file descriptor');
  const named = world.environment.OUTRIDER_PASSPHRASE;
  if (named !== undefined && named !== '') return checked(named, 'variable OUTRIDER_PASSPHRASE');
  const typed = await world.askSecret?.(question);
  if (typed !== undefined) return checked(typed, 'answer');
  throw new CommandFailure(
    'usage',
    'The key is sealed and no passphrase was given: set OUTRIDER_PASSPHRASE, name an open file with --passphrase-fd, or run this at a terminal',
    { code: 'passphrase-missing' },
  );
}

function fromDescriptor(descriptor: number): string {
  try {
    // One line, as a person or a secret store writes it.
    return readFileSync(descriptor, 'utf8').split('\n', 1)[0] ?? '';
  } catch (cause) {
    if (errorCode(cause) === undefined) throw cause;
    const message = `The passphrase could not be read from file descriptor ${descriptor}; open it in the shell, for example 3< passphrase`;
    throw new CommandFailure('usage', message, { code: 'passphrase-missing', cause });
  }
}

function checked(passphrase: string, source: string): string {
  const { length } = passphrase;
  if (length <= PASSPHRASE_CHARACTERS_MAX) return passphrase;
  throw new CommandFailure(
    'usage',
    `The passphrase from the ${source} has ${length} characters, allowed are ${PASSPHRASE_CHARACTERS_MAX}`,
    {
      code: 'passphrase-missing',
    },
  );
}

// SPDX-License-Identifier: Apache-2.0
import { parseArgs } from 'node:util';
import { leaveNote } from '@outrider/adapters/device/fault-folder';
import type { ProgramStart } from '@outrider/adapters/shared/settings/program-settings';
import { AgentEnd } from './exit-codes.ts';

export const FLAG_USAGE = `outrider agent flag: the driver speaks against what the device runs

  --data <folder>     The device's own folder (or OUTRIDER_AGENT_DATA)
  --because <text>    What the driver says, for example: the brake warning comes and goes
  --help              Prints this

The agent that runs on the folder signs it and sends it within a minute, as soon as there is a network; one that does not run
sends it when it starts. It pauses nothing by itself: the server does, when drivers of two treated devices have spoken up.
`;

/** The most that a report carries. */
const TEXT_CHARACTERS_MAX = 2_048;

/** `flag` before all else: a note is left for the agent, which alone holds the key. Answers with a sentence. Throws AgentEnd. */
export async function flagCommand(start: ProgramStart, unique: string): Promise<string> {
  const { data = start.environment.OUTRIDER_AGENT_DATA, because, help } = valuesOf(start.parameters.slice(1));
  if (help === true) return FLAG_USAGE;
  if (data === undefined)
    throw new AgentEnd('usage', 'The flag --data is missing: it names the folder of the device. See flag --help');
  const detail = because?.trim() ?? '';
  if (detail === '' || detail.length > TEXT_CHARACTERS_MAX) {
    const seen = detail === '' ? 'missing' : `${detail.length} characters long`;
    throw new AgentEnd(
      'usage',
      `The flag --because is ${seen}, allowed are 1 to ${TEXT_CHARACTERS_MAX}; say what the driver said`,
    );
  }
  try {
    await leaveNote(data, 'driver-flag', { name: unique, detail });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new AgentEnd(
      'data-folder',
      `No note can be left in ${data} (${why}); name the folder of an agent that has run`,
      cause,
    );
  }
  return 'Noted. The agent signs it and sends it within a minute\n';
}

function valuesOf(args: string[]) {
  try {
    const text = { type: 'string' } as const;
    return parseArgs({ args, options: { data: text, because: text, help: { type: 'boolean' } } }).values;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new AgentEnd('usage', `${why}. See flag --help`, cause);
  }
}

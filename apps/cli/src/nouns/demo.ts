// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import type { World } from '../world.ts';

/** `outrider demo`: a good release reaches a whole fleet and a bad one is caught; all flags are the demonstration's own. */
export function demoNoun(program: Command, world: World, end: (code: number) => void): void {
  program
    .command('demo')
    .description(
      'play the demonstration: a good release, a bad one, a fleet of 2,000 (flags: see `outrider demo --help`)',
    )
    .argument('[flags...]', 'handed to the demonstration')
    .helpOption(false)
    .allowUnknownOption()
    .passThroughOptions()
    .action(async (flags: readonly string[]) =>
      end(await world.runProgram({ name: 'demonstration', parameters: flags })),
    );
}

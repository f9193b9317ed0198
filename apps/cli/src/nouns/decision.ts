// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { evalLine } from '../eval-line.ts';
import { CommandFailure } from '../failure.ts';
import type { World } from '../world.ts';

/** `outrider decision`: what the rule decided, and the rule itself for anyone to check by hand. */
export function decisionNoun(program: Command, world: World): void {
  const decision = program.command('decision').description('what the rule decided, and the rule itself');

  decision
    .command('eval')
    .description('answer each JSON line of standard input (kind base, coin or aa) with the figures of the rule')
    .action(() => evaluateLines(world));
}

async function evaluateLines(world: World): Promise<void> {
  let [lines, failed] = [0, 0];
  for await (const line of world.inputLines()) {
    if (line.trim() === '') continue;
    const { text, isComputed } = evalLine(line);
    world.write(`${text}\n`);
    lines++;
    if (!isComputed) failed++;
  }
  if (lines === 0)
    throw new CommandFailure(
      'usage',
      'Standard input had no line; give one JSON object a line, for example {"kind":"aa","alpha":0.01,"strata":[]}',
    );
  if (failed > 0)
    throw new CommandFailure('usage', `${failed} of ${lines} lines could not be computed; their answers say why`);
}

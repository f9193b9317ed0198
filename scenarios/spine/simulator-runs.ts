// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Figure, MeasureOptions } from '../../bench/figures.ts';

const DIGEST = /^[0-9a-f]{64}$/;
/** Any one of some hundreds. */
const ALTERED_PERMIT = 10;

/**
 * The simulator as a program: the same seed twice, another seed, and one permit altered. Two at a time: more would only slow
 * each other down on the two cores that this must run on.
 */
export async function simulatorFigures({ root, seed, log }: MeasureOptions): Promise<readonly Figure[]> {
  log(`The simulator plays seed ${seed} twice`);
  const [first, second] = await Promise.all([digestOf(root, ['--seed', seed]), digestOf(root, ['--seed', seed])]);
  log('The simulator plays another seed, and one altered permit');
  const [other, altered] = await Promise.all([
    digestOf(root, ['--seed', `${seed}-other`]),
    digestOf(root, ['--seed', seed, '--alter-permit', String(ALTERED_PERMIT)]),
  ]);
  const isDigest = [first, second, other, altered].every((digest) => DIGEST.test(digest));
  return [
    claim('the same seed twice gives the same event log', isDigest && first === second),
    claim('another seed gives another event log', isDigest && first !== other),
    claim('one altered permit gives another digest', isDigest && first !== altered),
  ];
}

/** The last line of a run, in a process of its own: nothing is shared but the seed. */
async function digestOf(root: string, flags: readonly string[]): Promise<string> {
  const program = join(root, 'apps/simulator/src/main.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...flags], { cwd: root });
  return stdout.trim().split('\n').at(-1) ?? '';
}

function claim(figure: string, holds: boolean): Figure {
  return { figure, value: holds ? 1 : 0, unit: 'yes/no', goal: '1', holds };
}

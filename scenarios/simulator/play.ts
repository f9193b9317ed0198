// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { type Ran, runProgram } from '../../scripts/step.ts';

/** A run of the simulator as a program of its own: nothing is shared with another but what the flags say. */
export interface SimulatorRun extends Ran {
  /** Of the event log: the last line of a single run. */
  readonly digest: string | undefined;
  /** The oracle that cried first, if one did. */
  readonly oracle: string | undefined;
}

const DIGEST = /^[0-9a-f]{64}$/;

export async function playSimulator(root: string, flags: readonly string[]): Promise<SimulatorRun> {
  const launcher = join(root, 'scripts/launch.mjs');
  const ran = await runProgram(root, process.execPath, [launcher, 'apps/simulator/src/main.ts', ...flags]);
  const last = ran.output.split('\n').at(-1) ?? '';
  const [, oracle] = /^BROKEN: (\S+) at step/m.exec(ran.output) ?? [];
  return { ...ran, digest: DIGEST.test(last) ? last : undefined, oracle };
}

// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Figure, MeasureOptions } from '../bench/figures.ts';
import { plantedFigures } from './simulator/planted.ts';
import { quietFigures } from './simulator/quiet.ts';
import { repeatedFigures } from './simulator/repeated.ts';
import { sizeFigures } from './simulator/size.ts';

export const name = 'simulator';

export const flags = {
  runs: {
    sentence: 'runs of a swarm without a planted bug, in which no oracle may cry',
    default: 100,
    min: 1,
    max: 100_000,
  },
  found: { sentence: 'runs within which each planted bug has to be found', default: 60, min: 1, max: 10_000 },
  devices: { sentence: 'devices of the large run', default: 10_000, min: 20, max: 100_000 },
  days: { sentence: 'fleet days of the large run', default: 30, min: 1, max: 90 },
} as const;

/**
 * The simulator is a tool: the same seed is the same run, with faults as without; each planted bug is found by the oracle that
 * it is for, shrunk and played again; without one nobody cries; and it is fast enough to be used.
 */
export async function run(options: MeasureOptions): Promise<readonly Figure[]> {
  const { flags: given } = options;
  const wanted = {
    runs: given.runs ?? flags.runs.default,
    found: given.found ?? flags.found.default,
    devices: given.devices ?? flags.devices.default,
    days: given.days ?? flags.days.default,
  };
  const folder = await mkdtemp(join(tmpdir(), 'outrider-simulator-'));
  try {
    return [
      ...(await sizeFigures(options, wanted)),
      ...(await repeatedFigures(options)),
      ...(await plantedFigures(options, { runsMax: wanted.found, folder })),
      ...(await quietFigures(options, { runs: wanted.runs, folder })),
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

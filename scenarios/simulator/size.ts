// SPDX-License-Identifier: Apache-2.0
import type { Figure, MeasureOptions } from '../../bench/figures.ts';
import { playSimulator } from './play.ts';

/** A month of ten thousand devices, while one waits for it. */
const SECONDS_MAX = 120;

/** One large run, as a person would start it. */
export async function sizeFigures(
  { root, seed, log }: MeasureOptions,
  { devices, days }: { readonly devices: number; readonly days: number },
): Promise<readonly Figure[]> {
  log(`${devices} devices for ${days} fleet days`);
  const { output, code } = await playSimulator(root, [
    '--seed',
    seed,
    '--devices',
    String(devices),
    '--days',
    String(days),
  ]);
  const pattern = /devices x ([\d.]+) fleet days in ([\d.]+) s, ([\d.]+) s of processor time$/m;
  const [, played = '0', seconds = '0', processorSeconds = '0'] = pattern.exec(output) ?? [];
  const isWhole = code === 0 && Number(played) >= days;
  return [
    {
      figure: `fleet days of ${devices} devices`,
      value: Number(played),
      unit: 'days',
      goal: `>= ${days}`,
      holds: isWhole,
    },
    {
      figure: 'seconds that they took',
      value: Number(seconds),
      unit: 's',
      goal: `<= ${SECONDS_MAX} s`,
      holds: isWhole && Number(seconds) <= SECONDS_MAX,
    },
    {
      figure: 'of processor time, all threads: what remains when other work runs beside it',
      value: Number(processorSeconds),
      unit: 's',
      goal: '> 0 s',
      holds: Number(processorSeconds) > 0,
    },
  ];
}

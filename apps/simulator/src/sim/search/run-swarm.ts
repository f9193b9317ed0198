// SPDX-License-Identifier: Apache-2.0
import { UsageError } from '../../flag-values.ts';
import type { SimFlags } from '../flags.ts';
import { drawCase } from './draw-case.ts';
import type { Broken } from './shrink.ts';
import { type SwarmTally, swarm } from './swarm.ts';

/** A line for the person who looks in, after so many runs. */
const LINE_EVERY_RUNS = 50;

/** A swarm as the command line has it: says how it is going, and answers with the cases that broke a promise. */
export async function runSwarm(
  { seed, plant, swarm: wanted }: Pick<SimFlags, 'seed' | 'plant' | 'swarm'>,
  around: { readonly print: (line: string) => void; readonly now: () => Date },
): Promise<readonly Broken[]> {
  if (wanted === undefined) throw new UsageError('A swarm needs --swarm');
  const { runsMax, untilMinutes, threadCount, isCollecting } = wanted;
  const { print, now } = around;
  const beganAt = now();
  const endsAt = untilMinutes === undefined ? undefined : nextTimeOfDay(beganAt, untilMinutes);
  const lineOf = (tally: SwarmTally) => tallyLine(tally, (now().getTime() - beganAt.getTime()) / 1_000);
  print(
    `swarm of seed ${seed}, ${endsAt === undefined ? `${runsMax} runs` : `until ${endsAt.toTimeString().slice(0, 5)}`}`,
  );
  const tally = await swarm({
    ...{ seed, threadCount, isCollecting },
    ...(plant !== undefined && { plant }),
    isGoingOn: (runs) => runs < runsMax && (endsAt === undefined || now() < endsAt),
    onResult(_, soFar) {
      if (soFar.runs % LINE_EVERY_RUNS === 0) print(lineOf(soFar));
    },
  });
  print(lineOf(tally));
  return tally.broken.flatMap(({ seed: runSeed, violation }) => {
    return violation === undefined ? [] : [{ simCase: drawCase(runSeed, plant), violation }];
  });
}

function tallyLine({ runs, faults, permits, reports, broken }: SwarmTally, seconds: number): string {
  const memoryMb = Math.round(process.memoryUsage.rss() / 1_048_576);
  return `${runs} runs in ${seconds.toFixed(0)} s, ${broken.length} broken; ${faults} faults, ${permits} permits, ${reports} reports; ${memoryMb} MB`;
}

/** The next time that the clock on the wall shows this. */
function nextTimeOfDay(now: Date, minutes: number): Date {
  const then = new Date(now);
  then.setHours(Math.floor(minutes / 60), minutes % 60, 0, 0);
  if (then <= now) then.setDate(then.getDate() + 1);
  return then;
}

// SPDX-License-Identifier: Apache-2.0
import { isShifted } from './mann-whitney.ts';
import { STEPS_PER_DAY, STEPS_PER_HOUR } from './weather.ts';

/** What a rule on fixed waves sees in one step of ten minutes. */
export interface StepSeen {
  readonly step: number;
  readonly waves: readonly WaveSeen[];
  /** The canary and a baseline of as many devices that did not get the release, under the same base rates. */
  readonly failures: ArmCounts;
  readonly silent: ArmCounts;
  readonly crashes: ArmCounts;
  readonly sensors: ArmCounts;
}

/** Ends of installations in this step, in one wave. */
export interface WaveSeen {
  /** Devices of the wave, installed or not. */
  readonly size: number;
  readonly ended: number;
  readonly reverted: number;
  readonly failed: number;
}

export interface ArmCounts {
  readonly canary: number;
  readonly baseline: number;
}

/** A rule that others ship, with the numbers a user would give it. Its memory is of one rollout. */
export interface Rival {
  readonly name: string;
  readonly text: string;
  /** Makes the judge of one rollout: whether to halt, asked after each step. */
  readonly judge: () => (seen: StepSeen) => boolean;
}

/** The one that the goals compare with: the breaker, tuned until at most one good rollout in a hundred is halted. */
export const TUNED_BREAKER = 'breaker 1.2 %, n >= 200';

/** The same with its minimum tuned as well: one of the best of some 80 pairs that halt one good rollout in a hundred. */
export const BEST_BREAKER = 'breaker 2 %, n >= 60';

/** All rivals, on nine daily waves. */
export const RIVALS: readonly Rival[] = [
  breaker('breaker 2 %, n >= 50', { share: 0.02, endedMin: 50, isReverts: true }),
  breaker('breaker 2 %, n >= 200', { share: 0.02, endedMin: 200, isReverts: true }),
  breaker('breaker 2 %, all failures', { share: 0.02, endedMin: 200, isReverts: false }),
  breaker(BEST_BREAKER, { share: 0.02, endedMin: 60, isReverts: true }),
  breaker(TUNED_BREAKER, { share: 0.012, endedMin: 200, isReverts: true }),
  {
    name: 'group errors 5 %',
    text: 'as hawkBit: errors of a group in whole percent of its size',
    judge: groupErrors,
  },
  {
    name: 'abort 2 %, n >= 100',
    text: 'as AWS IoT Jobs: failed of executed devices, of all so far',
    judge: abortPercentage,
  },
  {
    name: 'Mann-Whitney',
    text: 'as Kayenta: 98 % interval of the shift over hourly samples at the end of each wave',
    judge: canaryAnalysis,
  },
];

function breaker(
  name: string,
  rule: { readonly share: number; readonly endedMin: number; readonly isReverts: boolean },
): Rival {
  const what = rule.isReverts ? 'reverts' : 'reverts and failures to install';
  return {
    name,
    text: `${what} of the installations that ended within ten minutes`,
    judge: () => (seen) => {
      const { ended, reverted, failed } = total(seen);
      const counted = rule.isReverts ? reverted : reverted + failed;
      return ended >= rule.endedMin && counted >= rule.share * ended;
    },
  };
}

/** hawkBit divides the errors by the size of the whole group, in integers, and halts at the percentage. */
function groupErrors(): (seen: StepSeen) => boolean {
  const errors: number[] = [];
  return ({ waves }) =>
    waves.some(({ size, reverted, failed }, wave) => {
      const inWave = (errors[wave] ?? 0) + reverted + failed;
      errors[wave] = inWave;
      return size > 0 && Math.floor((inWave * 100) / size) >= GROUP_PERCENT;
    });
}

function abortPercentage(): (seen: StepSeen) => boolean {
  let executed = 0;
  let failures = 0;
  return (seen) => {
    const { ended, reverted, failed } = total(seen);
    executed += ended;
    failures += reverted + failed;
    return executed >= ABORT_EXECUTED_MIN && failures * 100 >= ABORT_PERCENT * executed;
  };
}

/** One metric that is worse in the canary takes the score below what passes (95 of 100). */
function canaryAnalysis(): (seen: StepSeen) => boolean {
  const metrics = ['failures', 'silent', 'crashes', 'sensors'] as const;
  const samples = new Map(metrics.map((metric) => [metric, { canary: [] as number[], baseline: [] as number[] }]));
  return (seen) => {
    const isNewHour = seen.step % STEPS_PER_HOUR === 1;
    for (const [metric, { canary, baseline }] of samples) {
      if (isNewHour) {
        canary.push(0);
        baseline.push(0);
      }
      canary.push((canary.pop() ?? 0) + seen[metric].canary);
      baseline.push((baseline.pop() ?? 0) + seen[metric].baseline);
    }
    const isWaveEnd = seen.step % STEPS_PER_DAY === 0 && seen.step <= ANALYSES * STEPS_PER_DAY;
    if (!isWaveEnd) return false;
    return [...samples.values()].some(({ canary, baseline }) =>
      isShifted(canary.slice(-SAMPLES), baseline.slice(-SAMPLES)),
    );
  };
}

/** 1 % of a first group of 200 is two failures, which a good release has by chance; 5 % is ten, which it has not. */
const GROUP_PERCENT = 5;
/** Low, as somebody sets it who wants to catch a release that 2 % fall back from; a good release may reach it in an outage. */
const ABORT_PERCENT = 2;
const ABORT_EXECUTED_MIN = 100;
/** One analysis a wave, of the hours of its day. */
const ANALYSES = 9;
const SAMPLES = 24;

function total({ waves }: StepSeen): Omit<WaveSeen, 'size'> {
  let [ended, reverted, failed] = [0, 0, 0];
  for (const wave of waves) {
    ended += wave.ended;
    reverted += wave.reverted;
    failed += wave.failed;
  }
  return { ended, reverted, failed };
}

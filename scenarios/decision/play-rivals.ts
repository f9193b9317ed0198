// SPDX-License-Identifier: Apache-2.0
import type { EvidenceEvent } from '@outrider/domain/evidence/evidence';
import { binomial } from '@outrider/domain/kernel/binomial';
import type { SegmentId } from '@outrider/domain/kernel/ids';
import { type Prng, prng } from '@outrider/domain/kernel/prng';
import { fleetInstant, MINUTE_MS } from '@outrider/domain/kernel/time';
import { askingNow, createFleet, type Fleet, LEVELS, moveFleet, takeEnrolled } from './fleet.ts';
import { createOutcomes, enrolCohort, type Outcomes, reportedIn } from './outcomes.ts';
import { DONE_SHARE, type PlayOptions, type Run } from './play.ts';
import { type ArmCounts, RIVALS, type StepSeen, type WaveSeen } from './rivals.ts';
import { chancesAt, drawWeather, STEP_MINUTES, STEPS_PER_DAY, STEPS_PER_HOUR, type Weather } from './weather.ts';

/** Exposure at the end of each of the nine daily waves that the rivals run on. */
export const DAILY_WAVES: readonly number[] = [0.0002, 0.0005, 0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1];

/**
 * Plays one rollout on nine daily waves without any check, and lets every rival say when it would have halted: up to then
 * nothing that it does changes the world, so that one play serves them all. Named by rival; `none` never halts.
 */
export function playRivals(options: PlayOptions): ReadonlyMap<string, Run> {
  const { world, devices, seed, daysMax } = options;
  const source = prng(`${world.name}/${devices}/${seed}`);
  const weather = drawWeather(world, source.fork('weather'));
  const segments = world.segmentShares.map((_, index) => `segment-${index + 1}` as SegmentId);
  const waves = DAILY_WAVES.map((exposure, index): PlayedWave => {
    const size = Math.round(devices * exposure) - Math.round(devices * (DAILY_WAVES[index - 1] ?? 0));
    const waveSource = source.fork(`wave-${index}`);
    return {
      size,
      opensAtStep: index * STEPS_PER_DAY,
      fleet: createFleet(world, size, waveSource.fork('fleet')),
      outcomes: createOutcomes(world, { weather, source: waveSource.fork('outcomes'), segments }),
    };
  });
  const judged = RIVALS.map((rival) => ({ name: rival.name, judge: rival.judge(), run: undefined as Run | undefined }));
  const treated = { devices: 0 };
  let daysTo95: number | undefined;
  for (let step = 1; step <= daysMax * STEPS_PER_DAY; step++) {
    const seen = stepWaves(waves, { step, weather, source, treated });
    for (const one of judged) {
      if (one.run !== undefined || !one.judge(seen)) continue;
      one.run = { ...progressOf(waves, treated), stop: { hours: step / STEPS_PER_HOUR, reason: one.name } };
    }
    const confirmed = waves.reduce((sum, one) => sum + one.outcomes.confirmed, 0);
    if (confirmed >= DONE_SHARE * devices) daysTo95 ??= step / STEPS_PER_DAY;
    // A bad world is over once all that can halt have halted; in a good one the days are asked for as well.
    const isJudged = judged.every((one) => one.run !== undefined);
    if (daysTo95 !== undefined || (isJudged && !world.isGood)) break;
  }
  const unchecked: Run = { ...progressOf(waves, treated), ...(daysTo95 === undefined ? {} : { daysTo95 }) };
  return new Map([...judged.map(({ name, run }) => [name, run ?? unchecked] as const), ['none', unchecked]]);
}

interface PlayedWave {
  readonly size: number;
  readonly opensAtStep: number;
  readonly fleet: Fleet;
  readonly outcomes: Outcomes;
}

interface Moment {
  readonly step: number;
  readonly weather: Weather;
  readonly source: Prng;
  readonly treated: { devices: number };
}

/** Everyone in an open wave who asks is permitted; as many devices outside serve as baseline. */
function stepWaves(waves: readonly PlayedWave[], moment: Moment): StepSeen {
  const { step } = moment;
  const now = fleetInstant(step * STEP_MINUTES * MINUTE_MS);
  const events: EvidenceEvent[] = [];
  const seen: WaveSeen[] = [];
  for (const { size, opensAtStep, fleet, outcomes } of waves) {
    if (step <= opensAtStep) {
      seen.push({ size, ended: 0, reverted: 0, failed: 0 });
      continue;
    }
    const reported = reportedIn(outcomes, { step, now }, [COIN_PI]);
    events.push(...reported);
    seen.push({ size, ...endsOf(reported) });
    moveFleet(fleet, step, 1);
    for (const { pool, devices } of askingNow(fleet, EVERYONE)) {
      takeEnrolled(fleet, pool, { step, level: EVERYONE, treated: devices, control: 0, windowSteps: 0 });
      enrolCohort(outcomes, { pool, step, stratum: 0, pi: COIN_PI, treated: devices, control: devices });
      moment.treated.devices += devices;
    }
  }
  return {
    step,
    waves: seen,
    failures: failuresOf(seen, moment, waves[0]?.outcomes),
    silent: armsOf(events, 'silent24'),
    crashes: armsOf(events, 'crash24'),
    sensors: armsOf(events, 'sensor24'),
  };
}

/** Nobody tosses a coin here; any probability below 1 makes the outcomes report what both arms can do. */
const COIN_PI = 0.5;
const EVERYONE = LEVELS.length - 1;

function endsOf(events: readonly EvidenceEvent[]): Omit<WaveSeen, 'size'> {
  let [ended, reverted, failed] = [0, 0, 0];
  for (const event of events) {
    if (event.kind !== 'confirmed' && event.kind !== 'reverted' && event.kind !== 'install-failed') continue;
    const devices = event.isFirstEnd ? (event.devices ?? 1) : 0;
    ended += devices;
    reverted += event.kind === 'reverted' ? devices : 0;
    failed += event.kind === 'install-failed' ? devices : 0;
  }
  return { ended, reverted, failed };
}

/** A device without the release does not install: its failures are those of a good release under the same weather. */
function failuresOf(seen: readonly WaveSeen[], { step, weather, source }: Moment, outcomes?: Outcomes): ArmCounts {
  if (outcomes === undefined) return { canary: 0, baseline: 0 };
  const { revert, install } = chancesAt(outcomes.world, weather, { step, segment: 0 });
  const ended = seen.reduce((sum, one) => sum + one.ended, 0);
  const canary = seen.reduce((sum, one) => sum + one.reverted + one.failed, 0);
  return { canary, baseline: binomial(source, ended, revert + install) };
}

function armsOf(events: readonly EvidenceEvent[], metric: string): ArmCounts {
  let [canary, baseline] = [0, 0];
  for (const event of events) {
    if (event.kind !== 'coin-event' || event.metric !== metric) continue;
    if (event.arm === 'treated') canary += event.devices ?? 1;
    else baseline += event.devices ?? 1;
  }
  return { canary, baseline };
}

function progressOf(waves: readonly PlayedWave[], treated: { readonly devices: number }): Run {
  const harmed = waves.reduce((sum, one) => sum + one.outcomes.harmed, 0);
  return { harmed, treated: treated.devices, pauses: 0, haltedSegments: 0 };
}

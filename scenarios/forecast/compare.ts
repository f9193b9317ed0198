// SPDX-License-Identifier: Apache-2.0
import { STATED_BEHAVIOUR } from '@outrider/domain/decision/forecast/behaviour';
import { fleetCounter } from '@outrider/domain/decision/forecast/counted-fleet';
import { type Forecast, forecast } from '@outrider/domain/decision/forecast/forecast';
import type { Interval } from '@outrider/domain/decision/forecast/interval';
import { firstWaveOf } from '@outrider/domain/decision/forecast/wave-place';
import { prng } from '@outrider/domain/kernel/prng';
import { aManifest, aPlan, NOW } from '@outrider/testkit/small-fleet';
import { DELTAS, forecastDevice, makeFleet } from './fleet-world.ts';
import { type FleetRun, runFleet } from './run-fleet.ts';

/** A forecast beside the run that followed it. */
export interface Comparison {
  readonly forecast: Forecast;
  readonly run: FleetRun;
  /** Granted devices that the forecast did not show for the wave that was open. */
  readonly outsideSet: number;
  /** Figures of the run outside their interval, each with what it was and what was said. */
  readonly missedDates: readonly string[];
  readonly missedCounts: readonly string[];
  readonly missedBytes: readonly string[];
  /** Figures that had an interval. */
  readonly figures: number;
}

/** Forecasts one rollout, then plays it device by device. The run draws a fleet and outcomes of its own from the seed. */
export function compare(options: {
  readonly seed: string;
  readonly devices: number;
  readonly courses?: number;
}): Comparison {
  const { seed, devices: size } = options;
  const source = prng(`forecast-run/${seed}`);
  const plan = aPlan({ salt: `salt-${seed.replaceAll(/[^A-Za-z0-9]/g, '-')}-of-run` });
  const behaviour = STATED_BEHAVIOUR;
  const devices = makeFleet(size, behaviour, source.fork('fleet'));
  const counter = fleetCounter(plan, aManifest(), DELTAS);
  for (const device of devices) counter.add(forecastDevice(device));
  const expected = forecast({
    ...{ plan, release: aManifest(), deltas: DELTAS, behaviour, now: NOW, isApproved: true },
    fleet: counter.counted(),
    defectCourses: 0,
    ...(options.courses === undefined ? {} : { courses: options.courses }),
  });
  const run = runFleet({ plan, devices, behaviour, source: source.fork('run'), daysMax: 60 });
  const outsideSet = run.grants.filter(({ device, waveIndex }) => {
    const { deviceId, attributes } = device.record;
    return firstWaveOf(plan, expected.population, { deviceId, attributes }) > waveIndex;
  }).length;
  const seen = [...wavesSeen(expected, run), ...wholeSeen(expected, run)].filter((one) => one.interval !== undefined);
  const missedOf = (kind: Seen['kind']): readonly string[] => seen.filter((one) => one.kind === kind).flatMap(missText);
  return {
    ...{ forecast: expected, run, outsideSet, figures: seen.length },
    missedDates: missedOf('date'),
    missedCounts: missedOf('count'),
    missedBytes: missedOf('bytes'),
  };
}

interface Seen {
  readonly kind: 'date' | 'count' | 'bytes';
  readonly name: string;
  readonly value: number | undefined;
  readonly interval: Interval | undefined;
}

function wavesSeen({ waves }: Forecast, run: FleetRun): readonly Seen[] {
  return waves.flatMap((wave, index): readonly Seen[] => {
    const own = run.waves[index];
    const { name } = wave;
    return [
      { kind: 'date', name: `${name} opens`, value: instantOf(own?.openedAtMs), interval: wave.opensAt },
      { kind: 'count', name: `${name} granted`, value: own?.granted, interval: wave.granted },
      { kind: 'bytes', name: `${name} bytes`, value: own?.fetchedBytes, interval: wave.fetchedBytes },
    ];
  });
}

function wholeSeen({ completesAt, verified95At, verified99At }: Forecast, run: FleetRun): readonly Seen[] {
  return [
    { kind: 'date', name: 'complete', value: instantOf(run.completeAtMs), interval: completesAt },
    { kind: 'date', name: '95 % verified', value: instantOf(run.verified95AtMs), interval: verified95At },
    { kind: 'date', name: '99 % verified', value: instantOf(run.verified99AtMs), interval: verified99At },
  ];
}

function instantOf(sinceStartMs: number | undefined): number | undefined {
  return sinceStartMs === undefined ? undefined : NOW + sinceStartMs;
}

/** A figure that the run did not come to is a miss too. */
function missText({ kind, name, value, interval }: Seen): readonly string[] {
  if (interval === undefined || (value !== undefined && value >= interval.low && value <= interval.high)) return [];
  const unit = kind === 'date' ? (one: number) => `${((one - NOW) / 3_600_000).toFixed(1)} h` : String;
  const said = `${unit(interval.low)} to ${unit(interval.high)}`;
  return [`${name}: ${value === undefined ? 'never' : unit(value)}, said was ${said}`];
}

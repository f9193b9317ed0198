// SPDX-License-Identifier: Apache-2.0
import { STATED_BEHAVIOUR } from '@outrider/domain/decision/forecast/behaviour';
import { fleetCounter } from '@outrider/domain/decision/forecast/counted-fleet';
import { type Forecast, forecast } from '@outrider/domain/decision/forecast/forecast';
import type { Interval } from '@outrider/domain/decision/forecast/interval';
import { type ForecastOrders, NO_FORECAST_ORDERS, standingUnder } from '@outrider/domain/decision/forecast/orders';
import { firstWaveOf } from '@outrider/domain/decision/forecast/wave-place';
import type { SegmentId } from '@outrider/domain/kernel/ids';
import { prng } from '@outrider/domain/kernel/prng';
import type { RolloutPlan } from '@outrider/domain/policy/rollout';
import { aManifest, aPlan, aSnapshot, NOW } from '@outrider/testkit/small-fleet';
import { DELTAS, forecastDevice, makeFleet, type WorldDevice } from './fleet-world.ts';
import { type FleetRun, type Ordered, runFleet } from './run-fleet.ts';

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
  /** What people order before the rollout starts, of the fleet that it meets. Absent: nothing. */
  readonly order?: OrdersOf;
}): Comparison {
  const { seed, devices: size } = options;
  const source = prng(`forecast-run/${seed}`);
  const plan = aPlan({ salt: `salt-${seed.replaceAll(/[^A-Za-z0-9]/g, '-')}-of-run` });
  const behaviour = STATED_BEHAVIOUR;
  const devices = makeFleet(size, behaviour, source.fork('fleet'));
  const ordered = options.order?.(plan, devices);
  const orders = ordersOf(plan, ordered);
  const counted = { release: aManifest(), deltas: DELTAS, orders: { given: orders, now: NOW } };
  const counter = fleetCounter(plan, counted);
  for (const device of devices) counter.add(forecastDevice(device));
  const expected = forecast({
    ...{ plan, release: aManifest(), deltas: DELTAS, behaviour, orders, now: NOW, isApproved: true },
    fleet: counter.counted(),
    defectCourses: 0,
    ...(options.courses === undefined ? {} : { courses: options.courses }),
  });
  const { eligible } = expected;
  const run = runFleet({
    ...{ plan, devices, behaviour, source: source.fork('run'), daysMax: 60, eligible },
    ...(ordered === undefined ? {} : { ordered }),
  });
  const outsideSet = run.grants.filter(({ device, waveIndex }) => {
    const { deviceId, attributes, status } = device.record;
    const segment = attributes[plan.segmentBy] as SegmentId;
    const subject = { deviceId, attributes, version: status.running.version, segment };
    if (standingUnder(orders, subject, NOW).isOut) return true;
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

/** Orders of people about the devices of a world. */
export type OrdersOf = (plan: RolloutPlan, devices: readonly WorldDevice[]) => Ordered;

/** The same orders as a forecast is told of them. */
function ordersOf(plan: RolloutPlan, ordered: Ordered | undefined): ForecastOrders {
  if (ordered === undefined) return NO_FORECAST_ORDERS;
  const { orders: standing, pausedScopes, rollouts } = aSnapshot([{ plan }], ordered.changes);
  const rollout = rollouts.get(plan.rolloutId)?.rollout;
  const { charter } = ordered;
  return {
    ...{ standing, pausedScopes },
    ...(rollout === undefined ? {} : { rollout }),
    ...(charter === undefined ? {} : { charter }),
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

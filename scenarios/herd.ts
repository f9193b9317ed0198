// SPDX-License-Identifier: Apache-2.0
import { IDLE_POLL_MS } from '@outrider/domain/gateway/poll';
import type { Figure, MeasureOptions } from '../bench/figures.ts';
import type { HerdResult } from './herd/job.ts';
import { type HerdResults, playHerd } from './herd/play.ts';

export const name = 'herd';

export const flags = {
  devices: { sentence: 'devices that come back at once', default: 200_000, min: 100, max: 1_000_000 },
  tls: { sentence: 'of these, on a connection of their own by mutual TLS', default: 10_000, min: 0, max: 15_000 },
  connections: { sentence: 'kept connections over which the others come', default: 1_000, min: 1, max: 4_000 },
  gateways: { sentence: 'gateway processes', default: 2, min: 1, max: 8 },
  planted: { sentence: '1: devices that ignore Retry-After; the proof must fail', default: 0, min: 0, max: 1 },
} as const;

const ANSWERED_P99_MS = 200;
/** The widest window of Retry-After: 602 s; a device that drew the end of it adds its own jitter of two minutes. */
const PROMISED_S = 602 + 120;
const ASKED_MAX_S = 602;
/** On the mean: the first visit, and what one full gateway sends away once and once more. */
const VISITS_MEAN_MAX = 3;
/** Spread by full jitter, no tenth of the time of the return holds more than so many times its share. */
const SPREAD_MAX = 3;
/** By the rule of steering intervals come no closer to each other than by half; a tenth of that is chance. */
const POLLS_SPREAD_MAX = 2.2;

/**
 * A fleet returns in one moment after an outage: what is answered is answered soon, what cannot be is sent away by name and spread, and
 * nothing that was acknowledged is lost.
 */
export async function run({ seed, log, flags: given }: MeasureOptions): Promise<readonly Figure[]> {
  const devices = given.devices ?? flags.devices.default;
  const tlsDevices = Math.min(given.tls ?? flags.tls.default, devices);
  const results = await playHerd({
    ...{ seed, log, devices, tlsDevices, connections: given.connections ?? flags.connections.default },
    gateways: given.gateways ?? flags.gateways.default,
    isRude: given.planted === 1,
    limitMs: PROMISED_S * 1_000,
  });
  for (const [cause, times] of partsOf(results).flatMap(({ causes }) => Object.entries(causes))) {
    log(`Sent away: ${times} x ${cause}`);
  }
  return figuresOf(results, devices, devices < flags.devices.default || tlsDevices < flags.tls.default);
}

function figuresOf(results: HerdResults, devices: number, isReduced: boolean): readonly Figure[] {
  const { pooled, tls, tlsSample, sample } = results;
  const parts = partsOf(results);
  const total = (of: (part: HerdResult) => number) => parts.reduce((sum, part) => sum + of(part), 0);
  const all = (of: (part: HerdResult) => readonly number[]) => ascending(parts.flatMap(of));
  const samples = [sample, tlsSample];
  const [latencies, answeredAt] = [
    ascending(samples.flatMap((one) => one.latenciesMs)),
    all((one) => one.answeredAtMs),
  ];
  const answered = total((one) => one.answered);
  const visits = total((one) => one.attempts);
  const reduced = isReduced ? { isReduced: true as const } : {};
  const firstAt = answeredAt[0] ?? 0;
  return [
    { ...some('devices that came back at once', devices), ...reduced },
    some('of these, by mutual TLS, each on a connection of its own', tls.answered + tlsSample.answered),
    none('devices without an answer after the promised window of Retry-After and jitter', devices - answered),
    { ...atMost('the last device was answered after', quantile(answeredAt, 1) / 1_000, PROMISED_S), unit: 's' },
    shown('half of the devices were answered after', quantile(answeredAt, 0.5) / 1_000, 's'),
    shown('check-in that is answered, in the sample, median', quantile(latencies, 0.5), 'ms'),
    shown('check-in that is answered, in the sample, 99 %', quantile(latencies, 0.99), 'ms'),
    shown(
      'of it, in the processes of the sample themselves, 99 %',
      quantile(ascending(samples.flatMap((one) => one.ownLagsMs)), 0.99),
      'ms',
    ),
    {
      ...atMost(
        'check-in that is answered, in the sample, less the time in its own process, 99 %',
        quantile(ascending(samples.flatMap(less)), 0.99),
        ANSWERED_P99_MS,
      ),
      unit: 'ms',
    },
    shown('of the sample, those by mutual TLS, 99 %', quantile(less(tlsSample), 0.99), 'ms'),
    shown(
      'as the busy processes of the load see it, pooled connections, 99 %',
      quantile(ascending(pooled.latenciesMs), 0.99),
      'ms',
    ),
    shown('pooled connections, less the time in their own process, 99 %', quantile(less(pooled), 0.99), 'ms'),
    shown(
      'as the busy processes of the load see it, mutual TLS, 99 %',
      quantile(ascending(tls.latenciesMs), 0.99),
      'ms',
    ),
    shown('mutual TLS, less the time in their own process, 99 %', quantile(less(tls), 0.99), 'ms'),
    shown(
      'sent away with 503, 99 %',
      quantile(
        all((one) => one.shedLatenciesMs),
        0.99,
      ),
      'ms',
    ),
    shown('set-up of a connection by mutual TLS, 99 %', quantile(ascending(tls.setUpsMs), 0.99), 'ms'),
    { ...atMost('visits of a device, mean', visits / devices, VISITS_MEAN_MAX), unit: 'count' },
    shown(
      'visits sent away with 503',
      total((one) => one.shed),
      'count',
    ),
    shown(
      'visits whose connection broke or was refused',
      total((one) => one.broken),
      'count',
    ),
    none(
      'answers that are neither 200 nor 503',
      total((one) => one.otherStatus),
    ),
    none(
      'visits before the instant that Retry-After had named',
      total((one) => one.early),
    ),
    {
      ...atMost('longest Retry-After', Math.max(...parts.map((one) => one.longestAskedS)), ASKED_MAX_S),
      unit: 's',
    },
    {
      ...atMost(
        'returns of those sent away: the fullest tenth of their time against the mean',
        fullest(
          all((one) => one.attemptAtMs)
            .filter((at) => at > firstAt)
            .slice(devices),
          10,
        ),
        SPREAD_MAX,
      ),
      unit: 'ratio',
    },
    {
      ...atMost(
        'next polls as asked: the fullest tenth of an idle interval against an even spread over one',
        fullestOfInterval(all((one) => one.pollAfterMs)),
        POLLS_SPREAD_MAX,
      ),
      unit: 'ratio',
    },
    some(
      'permits acknowledged',
      total((one) => one.permitIds.length),
    ),
    none('of these, missing from the ledger', results.permitsLost),
    some(
      'reports acknowledged',
      total((one) => one.reportKeys.length),
    ),
    none('of these, missing from the log', results.reportsLost),
    shown('time for the herd', results.tookMs / 1_000, 's'),
  ];
}

/** Of all processes of the load. */
function partsOf({ pooled, tls, sample, tlsSample }: HerdResults): readonly HerdResult[] {
  return [pooled, tls, sample, tlsSample];
}

/** How much the fullest of so many equal slices holds, against the mean. */
function fullest(sorted: readonly number[], slices: number): number {
  const [from = 0, to = 0] = [sorted[0], sorted.at(-1)];
  if (to <= from) return 0;
  const counts = new Array<number>(slices).fill(0);
  for (const one of sorted) {
    const slice = Math.min(slices - 1, Math.floor(((one - from) / (to - from)) * slices));
    counts[slice] = (counts[slice] ?? 0) + 1;
  }
  return (Math.max(...counts) * slices) / sorted.length;
}

/** The most that falls into a tenth of the idle interval, against a tenth of all: 1 without load; a fleet that is asked to come later is spread as well. */
function fullestOfInterval(sorted: readonly number[]): number {
  const widthMs = IDLE_POLL_MS / 10;
  let most = 0;
  let from = 0;
  for (let to = 0; to < sorted.length; to++) {
    while ((sorted[to] ?? 0) - (sorted[from] ?? 0) > widthMs) from++;
    most = Math.max(most, to - from + 1);
  }
  return most / (sorted.length / 10);
}

/** What is left of each time without what the process of the load did with itself meanwhile. */
function less({ latenciesMs, ownLagsMs }: HerdResult): readonly number[] {
  return ascending(latenciesMs.map((took, index) => took - (ownLagsMs[index] ?? 0)));
}

function ascending(values: readonly number[]): readonly number[] {
  return values.toSorted((a, b) => a - b);
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

function shown(figure: string, value: number, unit: string): Figure {
  return { figure, value, unit, goal: 'shown', holds: true };
}

function atMost(figure: string, value: number, most: number): Omit<Figure, 'unit'> {
  return { figure, value, goal: `<= ${most}`, holds: value <= most };
}

function none(figure: string, value: number): Figure {
  return { figure, value, unit: 'count', goal: '0', holds: value === 0 };
}

/** A proof that looked at nothing is none. */
function some(figure: string, value: number): Figure {
  return { figure, value, unit: 'count', goal: '> 0', holds: value > 0 };
}

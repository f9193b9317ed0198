// SPDX-License-Identifier: Apache-2.0
import type {
  BaseCount,
  BeforeCount,
  ClosedCount,
  CoinCount,
  CoinMetric,
  EnrolmentCount,
  Evidence,
  FactBefore,
} from '../evidence/evidence.ts';
import type { SegmentId } from '../kernel/ids.ts';
import type { ClosedEvents } from './bounds.ts';
import type { Stratum } from './e-process.ts';

/** The counts of one segment, or of several together, sorted for the formulae. */
export interface Tally {
  readonly revert: BaseTally;
  readonly install: BaseTally;
  readonly coin: ReadonlyMap<CoinMetric, CoinTally>;
  /** Enrolments by arm where a coin was tossed. */
  readonly enrolled: readonly Stratum[];
  /** Of these: devices that had crashed, or been silent, before they asked. */
  readonly before: Readonly<Record<FactBefore, readonly Stratum[]>>;
  /** Treated without a coin: rings, and everyone after completion. */
  readonly treatedWithoutCoin: number;
  /** Enrolments whose rows a person has taken out of the counts: permits that were given all the same. */
  readonly leftOut: EnrolledTally;
}

/** Enrolments alone: nothing is known, or believed, of what became of them. */
export interface EnrolledTally {
  /** With and without a coin. */
  readonly treated: number;
  readonly treatedWithoutCoin: number;
  /** By a coin, both arms. */
  readonly enrolled: number;
}

/** Installations permitted, ended, failed and confirmed. */
export interface BaseTally extends ClosedEvents {
  readonly open: number;
  readonly confirmed: number;
}

/** Events per stratum for the evidence, closed windows per arm for the bounds. */
export interface CoinTally {
  readonly strata: readonly Stratum[];
  /** Control events of the first and second half of the control arm. */
  readonly controlHalves: readonly [number, number];
  readonly treated: ClosedEvents;
  readonly control: ClosedEvents;
}

/** The counts of each segment that has any. */
export function tallyBySegment(evidence: Evidence): ReadonlyMap<SegmentId, Tally> {
  const tallies = new Map<SegmentId, OpenTally>();
  addEvidence(evidence, (segment) => {
    const found = tallies.get(segment) ?? emptyTally();
    tallies.set(segment, found);
    return found;
  });
  return tallies;
}

/** The counts of all segments but these, together. */
export function tallyWithout(evidence: Evidence, excluded: ReadonlySet<SegmentId>): Tally {
  const total = emptyTally();
  addEvidence(evidence, (segment) => (excluded.has(segment) ? undefined : total));
  return total;
}

/** The counts of nobody. */
export function emptyTally(): OpenTally {
  return {
    revert: emptyBase(),
    install: emptyBase(),
    coin: new Map(),
    enrolled: [],
    before: { crash: [], silence: [] },
    treatedWithoutCoin: 0,
    leftOut: { treated: 0, treatedWithoutCoin: 0, enrolled: 0 },
  };
}

/** The counts of a metric that both arms can show, zero where nothing has been heard. */
export function coinTallyOf(tally: Tally, metric: CoinMetric): CoinTally {
  return tally.coin.get(metric) ?? emptyCoin();
}

type Open<T> = { -readonly [Key in keyof T]: T[Key] };

/** A tally while counts are added; callers see it as `Tally`. */
interface OpenTally {
  readonly revert: Open<BaseTally>;
  readonly install: Open<BaseTally>;
  readonly coin: Map<CoinMetric, OpenCoin>;
  readonly enrolled: Open<Stratum>[];
  readonly before: Readonly<Record<FactBefore, Open<Stratum>[]>>;
  treatedWithoutCoin: number;
  readonly leftOut: Open<EnrolledTally>;
}

interface OpenCoin {
  readonly strata: Open<Stratum>[];
  readonly controlHalves: [number, number];
  readonly treated: Open<ClosedEvents>;
  readonly control: Open<ClosedEvents>;
}

type TallyOf = (segment: SegmentId) => OpenTally | undefined;

function addEvidence(evidence: Evidence, tallyOf: TallyOf): void {
  for (const one of evidence.base) addBase(one, tallyOf(one.segment));
  for (const one of evidence.coin) addCoin(one, tallyOf(one.segment));
  for (const one of evidence.closed) addClosed(one, tallyOf(one.segment));
  for (const one of evidence.enrolments) addEnrolments(one, tallyOf(one.segment));
  for (const one of evidence.before ?? []) addBefore(one, tallyOf(one.segment));
  for (const one of evidence.leftOut?.enrolments ?? []) addLeftOut(one, tallyOf(one.segment));
}

function addBase(one: BaseCount, tally: OpenTally | undefined): void {
  if (tally === undefined) return;
  const base = tally[one.metric];
  base.open += one.open;
  base.closed += one.closed;
  base.events += one.events;
  base.confirmed += one.confirmed;
}

function addCoin(one: CoinCount, tally: OpenTally | undefined): void {
  if (tally === undefined) return;
  const coin = openCoinOf(tally, one.metric);
  const stratum = stratumOf(coin.strata, one.pi);
  stratum.eventsTreated += one.eventsTreated;
  stratum.eventsControl += one.eventsControl;
  coin.controlHalves[0] += one.eventsControlFirstHalf;
  coin.controlHalves[1] += one.eventsControl - one.eventsControlFirstHalf;
}

function addClosed(one: ClosedCount, tally: OpenTally | undefined): void {
  if (tally === undefined) return;
  const arm = openCoinOf(tally, one.metric)[one.arm];
  arm.closed += one.closed;
  arm.events += one.events;
}

function addEnrolments(one: EnrolmentCount, tally: OpenTally | undefined): void {
  if (tally === undefined) return;
  if (one.pi >= 1) {
    tally.treatedWithoutCoin += one.treated;
    return;
  }
  const stratum = stratumOf(tally.enrolled, one.pi);
  stratum.eventsTreated += one.treated;
  stratum.eventsControl += one.control;
}

function addLeftOut(one: EnrolmentCount, tally: OpenTally | undefined): void {
  if (tally === undefined) return;
  tally.leftOut.treated += one.treated;
  if (one.pi >= 1) tally.leftOut.treatedWithoutCoin += one.treated;
  else tally.leftOut.enrolled += one.treated + one.control;
}

function addBefore(one: BeforeCount, tally: OpenTally | undefined): void {
  if (tally === undefined) return;
  const stratum = stratumOf(tally.before[one.fact], one.pi);
  stratum.eventsTreated += one.eventsTreated;
  stratum.eventsControl += one.eventsControl;
}

function openCoinOf(tally: OpenTally, metric: CoinMetric): OpenCoin {
  const found = tally.coin.get(metric) ?? emptyCoin();
  tally.coin.set(metric, found);
  return found;
}

/** Strata are few (each pair of levels of pi), so a search is quicker than a map. */
function stratumOf(strata: Open<Stratum>[], pi: number): Open<Stratum> {
  const found = strata.find((one) => one.pi === pi);
  if (found !== undefined) return found;
  const zero = { pi, eventsTreated: 0, eventsControl: 0 };
  strata.push(zero);
  return zero;
}

function emptyBase(): Open<BaseTally> {
  return { open: 0, closed: 0, events: 0, confirmed: 0 };
}

function emptyCoin(): OpenCoin {
  return {
    strata: [],
    controlHalves: [0, 0],
    treated: { closed: 0, events: 0 },
    control: { closed: 0, events: 0 },
  };
}

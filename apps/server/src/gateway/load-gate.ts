// SPDX-License-Identifier: Apache-2.0
import {
  awayAfter,
  CROWD_MIN,
  comeBackAfterS,
  crowdPermille,
  isShed,
  LOAD_LIMITS,
  type Load,
  type LoadLimits,
  loadPermille,
  READS_MIN,
  readsPermille,
  type Urgency,
} from '@outrider/domain/gateway/shedding';
import type { MachineClock } from '@outrider/domain/kernel/clock';
import { type DurationMs, durationMs, elapsedMs, type MachineInstant } from '@outrider/domain/kernel/time';
import type { LoopTurns, Schedule } from '../ports.ts';
import type { Counters } from './counters.ts';
import { type DeviceRequest, type DeviceResponse, problemResponse } from './device-request.ts';

/** Measures how busy this gateway is, and turns away what would only lengthen its queues. */
export interface LoadGate {
  /** The answer to a request that is turned away, for which nothing else is done; undefined: it is taken on. */
  shed(request: Pick<DeviceRequest, 'path' | 'waitedMs'>): DeviceResponse | undefined;
  /** Counts a request as under way until its answer is there. */
  underWay<Answer>(request: Pick<DeviceRequest, 'path'>, answering: Promise<Answer>): Promise<Answer>;
  /** Of the load now: 1,000 is full. */
  permille(): number;
  /** Looks from now on how late the event loop is; answers with the way to end it. Until then that delay counts as none. */
  start(): () => void;
}

const URGENCIES: Readonly<Record<string, Urgency>> = {
  '/v1/check-in': 'check-in',
  '/v1/permit': 'permit',
  '/v1/report': 'report',
};

/** A timer that is due so often costs nothing that could be measured. */
const SAMPLE_MS = durationMs(50);
/** The least of so many: a queue that stands for a quarter of a second and five turns of the loop. */
const SAMPLES = 5;
/** Steps of the golden ratio fill the window of those who come back more evenly than a draw would (Weyl, 1916). */
const GOLDEN = 0.618_033_988_749_895;

export function loadGate(options: {
  readonly machineClock: MachineClock;
  readonly schedule: Schedule;
  readonly counters: Counters;
  readonly limits?: LoadLimits;
  /** Absent where nobody can tell, as in the simulator: then samples alone say how late the loop is. */
  readonly loopTurns?: LoopTurns;
}): LoadGate {
  const { machineClock, schedule, counters, limits = LOAD_LIMITS, loopTurns } = options;
  /** Check-ins for which something is read, the oldest first, each with when it began and how many there were with it. */
  const reading = new Set<{ readonly at: MachineInstant; readonly count: number }>();
  let lastReadMs = 0;
  /** What the last read took for each of those who waited with it: they are answered one after the other. */
  let eachMs = 0;
  const waiting = { all: 0, permit: 0, report: 0 };
  let loopDelayMs = durationMs(0);
  let shedCount = 0;
  /** Who was turned away and has hardly come back yet, as of the newest of them. */
  let away: { readonly count: number; readonly at: MachineInstant } | undefined;

  function permille(): number {
    const load: Load = {
      underWayCount: waiting.all,
      permitsUnderWayCount: waiting.permit,
      reportsUnderWayCount: waiting.report,
      loopDelayMs,
    };
    return loadPermille(load, limits);
  }

  function shed({ path, waitedMs = 0 }: Pick<DeviceRequest, 'path' | 'waitedMs'>): DeviceResponse | undefined {
    const urgency = urgencyOf(path);
    if (urgency === 'untouched') return undefined;
    const now = Math.max(permille(), urgency === 'check-in' ? crowd(waitedMs) : 0);
    if (!isShed(urgency, now)) return undefined;
    shedCount++;
    counters.add('shed', urgency);
    counters.add('problem', '503');
    counters.add('refused', 'gateway-busy');
    return busy(comeBackAfterS({ permille: now, awayCount: oneMoreAway() }, (shedCount * GOLDEN) % 1));
  }

  function oneMoreAway(): number {
    const at = machineClock.now();
    const count = 1 + (away === undefined ? 0 : awayAfter(away.count, elapsedMs(away.at, at)));
    away = { count, at };
    return count;
  }

  /** Of those who have come at once; it is gone again as fast as it came, so no interval is steered by it. */
  function crowd(hereMs: number): number {
    if (loopTurns === undefined) return 0;
    const { countInTurn, waitedMs: loopMs, workMs } = loopTurns.enter();
    const waitedMs = hereMs + loopMs;
    // Whoever had to wait for a turn is one of many.
    const together = hereMs > 0 ? CROWD_MIN + countInTurn : countInTurn;
    const [oldest] = reading;
    const oldestMs = oldest === undefined ? 0 : elapsedMs(oldest.at, machineClock.now());
    const readMs = Math.max(lastReadMs, oldestMs, eachMs * reading.size);
    return Math.max(
      crowdPermille({ count: together, waitedMs, ...(reading.size > CROWD_MIN && { workMs }) }, limits),
      readsPermille({ count: reading.size, waitedMs: waitedMs + readMs }, limits),
    );
  }

  function count(urgency: Urgency, by: 1 | -1): void {
    waiting.all += by;
    if (urgency === 'permit' || urgency === 'report') waiting[urgency] += by;
  }

  return {
    shed,
    permille,
    underWay({ path }, answering) {
      const urgency = urgencyOf(path);
      if (urgency === 'untouched') return answering;
      count(urgency, 1);
      if (urgency !== 'check-in') return answering.finally(() => count(urgency, -1));
      const one = { at: machineClock.now(), count: reading.size + 1 };
      reading.add(one);
      return answering.finally(() => {
        reading.delete(one);
        lastReadMs = elapsedMs(one.at, machineClock.now());
        // A few wait for the way to the store more than for each other.
        eachMs = lastReadMs / Math.max(READS_MIN, one.count);
        count(urgency, -1);
      });
    },
    start() {
      return sampleDelay({ machineClock, schedule }, (least) => {
        loopDelayMs = least;
      });
    },
  };
}

/** Tells the least delay of the last samples, with each sample. */
function sampleDelay(
  { machineClock, schedule }: { readonly machineClock: MachineClock; readonly schedule: Schedule },
  onSample: (leastMs: DurationMs) => void,
): () => void {
  const samples: number[] = Array.from({ length: SAMPLES }, () => 0);
  let began: MachineInstant = machineClock.now();
  let isEnded = false;
  let cancel = schedule.after(SAMPLE_MS, again);
  function again(): void {
    samples.push(Math.max(0, elapsedMs(began, machineClock.now()) - SAMPLE_MS));
    samples.shift();
    onSample(durationMs(Math.floor(Math.min(...samples))));
    began = machineClock.now();
    if (!isEnded) cancel = schedule.after(SAMPLE_MS, again);
  }
  return () => {
    isEnded = true;
    cancel();
  };
}

function urgencyOf(path: string): Urgency {
  return Object.hasOwn(URGENCIES, path) ? (URGENCIES[path] ?? 'untouched') : 'untouched';
}

/** Whoever is turned away costs next to nothing: there are some hundred answers, and each is made once. */
function busy(afterS: number): DeviceResponse {
  const known = BUSY.get(afterS);
  if (known !== undefined) return known;
  const answer = problemResponse({
    code: 'gateway-busy',
    detail: `The gateway has as many requests as it can answer in time; send the same request again in ${afterS} s, it counts once`,
    headers: { 'retry-after': String(afterS) },
  });
  BUSY.set(afterS, answer);
  return answer;
}

const BUSY = new Map<number, DeviceResponse>();

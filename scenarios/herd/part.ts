// SPDX-License-Identifier: Apache-2.0
import { backOffUntil } from '@outrider/domain/device/polling';
import { below, prng } from '@outrider/domain/kernel/prng';
import { type DurationMs, fleetInstant } from '@outrider/domain/kernel/time';
import { parseCheckInAnswer } from '@outrider/protocol/gateway/check-in';
import { parsePermitAnswer, parsePermitDocument } from '@outrider/protocol/gateway/permit';
import { parseRetryAfter } from '@outrider/protocol/kernel/retry-after';
import type { Answer } from './exchange.ts';
import { BUSY_EVERY, herdDeviceId, herdKey, postText, signatureOf } from './herd-device.ts';
import type { HerdJob, HerdResult } from './job.ts';
import { runQueueWaitMs } from './run-queue.ts';

export type Exchange = (request: string) => Promise<Answer>;

/** A part of the herd: who is due when, by the very back-off of the agents, and what came of each visit. */
export interface HerdPart {
  /** All are due at once: the outage is over. */
  begin(): void;
  /** The next device that is due; undefined: none now. */
  next(): number | undefined;
  /** How long until this device is due, at most until the herd is over. */
  untilDueMs(index: number): number;
  /** Whether this device has been answered. */
  isDone(index: number): boolean;
  /** One visit of a device. False: the connection is of no use any more. */
  visit(index: number, exchange: Exchange): Promise<boolean>;
  /** A visit that found no connection. */
  failed(index: number, cause: unknown): void;
  noteSetUp(tookMs: number): void;
  /** How far it has come, for whoever waits. */
  progress(): string;
  isOver(): boolean;
  result(): HerdResult;
}

type Writable<T> = { -readonly [Name in keyof T]: T[Name] extends readonly (infer One)[] ? One[] : T[Name] };

/** The planted fault: whoever is turned away knocks again within two seconds. */
const RUDE_MS = 2_000;
/** Of a queue, what has been taken from its front is given back at this length. */
const TAKEN_MAX = 50_000;

export function herdPart(job: HerdJob): HerdPart {
  const { seed, first, count, running } = job;
  /** Two readings of the kernel for each request are little for the few of the sample, and beside a handshake. */
  const isQueueRead = job.perSecond !== undefined || job.pooledConnections === undefined;
  const source = prng(`herd-load/${seed}/${first}`);
  const [sequences, faults] = [new Uint32Array(count), new Uint8Array(count)];
  /** When each is due, and before when the server does not want to see it; infinite: it has been answered. */
  const [dueAt, toldUntil] = [new Float64Array(count), new Float64Array(count)];
  const firstBodies = Array.from({ length: count }, (_, index) => checkInBody(index, 1));
  const firstSignatures = firstBodies.map((body, index) =>
    signatureOf(herdKey(seed, first + index), { path: CHECK_IN, body }),
  );
  let ready: number[] = [];
  let taken = 0;
  /** Those put off, by the second in which they are due. */
  const later = new Map<number, number[]>();
  let swept = 0;
  let began = 0;
  const seen: Writable<HerdResult> = {
    ...{ answered: 0, attempts: 0, shed: 0, broken: 0, otherStatus: 0, early: 0, longestAskedS: 0 },
    ...{
      latenciesMs: [],
      ownLagsMs: [],
      shedLatenciesMs: [],
      setUpsMs: [],
      pollAfterMs: [],
      attemptAtMs: [],
      answeredAtMs: [],
    },
    ...{ permitIds: [], reportKeys: [], causes: {} },
  };

  function checkInBody(index: number, sequence: number): string {
    return JSON.stringify({ deviceId: herdDeviceId(first + index), running, sequence, state: 'idle' });
  }

  function putOff(index: number, cause: string, retryAfterMs?: DurationMs): void {
    const faultCount = Math.min(255, (faults[index] ?? 0) + 1);
    faults[index] = faultCount;
    seen.causes = { ...seen.causes, [cause]: (seen.causes[cause] ?? 0) + 1 };
    const now = Math.ceil(performance.now());
    toldUntil[index] = retryAfterMs === undefined ? 0 : now + retryAfterMs;
    const fault = { faultCount, sequence: sequences[index] ?? 0, retryAfterMs };
    const at = job.isRude
      ? now + below(source, RUDE_MS)
      : backOffUntil(fleetInstant(now), herdDeviceId(first + index), fault);
    dueLater(index, at);
  }

  function dueLater(index: number, at: number): void {
    dueAt[index] = at;
    const slot = Math.floor(at / SLOT_MS);
    const others = later.get(slot);
    if (others === undefined) later.set(slot, [index]);
    else others.push(index);
  }

  /** What has become due since the last look goes to the end of the queue. */
  function sweep(): void {
    for (const now = Math.floor(performance.now() / SLOT_MS) - 1; swept <= now; swept++) {
      for (const index of later.get(swept) ?? []) ready.push(index);
      later.delete(swept);
    }
    if (taken < TAKEN_MAX) return;
    ready = ready.slice(taken);
    taken = 0;
  }

  async function ask(index: number, exchange: Exchange, post: { path: string; body: string; signature?: string }) {
    const signature = post.signature ?? signatureOf(herdKey(seed, first + index), post);
    const request = postText(herdDeviceId(first + index), { ...post, signature });
    const [sentAt, queuedMs] = [performance.now(), isQueueRead ? runQueueWaitMs() : 0];
    const answer = await exchange(request);
    const tookMs = performance.now() - sentAt;
    // The larger of both, not their sum: a turn of the loop that waits for a processor is in both.
    const ownLagMs = Math.max(answer.ownLagMs, isQueueRead ? runQueueWaitMs() - queuedMs : 0);
    return { ...answer, tookMs, ownLagMs };
  }

  function nextSequence(index: number): number {
    const sequence = (sequences[index] ?? 0) + 1;
    sequences[index] = sequence;
    return sequence;
  }

  async function visit(index: number, exchange: Exchange): Promise<boolean> {
    attempt(index);
    try {
      const sequence = nextSequence(index);
      const isFirst = sequence === 1;
      const body = (isFirst ? firstBodies[index] : undefined) ?? checkInBody(index, sequence);
      const signature = isFirst ? firstSignatures[index] : undefined;
      const answer = await ask(index, exchange, {
        path: CHECK_IN,
        body,
        ...(signature === undefined ? {} : { signature }),
      });
      if (answer.status !== 200) {
        turnedAway(index, answer);
        return !answer.isLast;
      }
      const parsed = parseCheckInAnswer(answer.body);
      if (!parsed.ok) throw new Error('The answer to a check-in cannot be read');
      dueAt[index] = Number.POSITIVE_INFINITY;
      seen.answered++;
      seen.latenciesMs.push(answer.tookMs);
      seen.ownLagsMs.push(Math.min(answer.tookMs, answer.ownLagMs));
      seen.answeredAtMs.push(performance.now() - began);
      seen.pollAfterMs.push(parsed.value.pollAfterMs);
      if (parsed.value.kind === 'offer' && (first + index) % BUSY_EVERY === 0) {
        const { rolloutId, releaseId } = parsed.value;
        await enrol(index, exchange, { rolloutId, releaseId });
      }
      return !answer.isLast;
    } catch (cause) {
      if (dueAt[index] !== Number.POSITIVE_INFINITY) broke(index, cause);
      return false;
    }
  }

  function attempt(index: number): void {
    seen.attempts++;
    seen.attemptAtMs.push(performance.now() - began);
    if (performance.now() < (toldUntil[index] ?? 0)) seen.early++;
  }

  function broke(index: number, cause: unknown): void {
    seen.broken++;
    putOff(index, (cause instanceof Error ? cause.message : String(cause)).replace(/127\.\S+/g, 'there').slice(0, 80));
  }

  function turnedAway(index: number, answer: Answer & { readonly tookMs: number }): void {
    if (answer.status !== 503) {
      seen.otherStatus++;
      putOff(index, `${answer.status} ${answer.body.slice(0, 120)}`);
      return;
    }
    seen.shed++;
    seen.shedLatenciesMs.push(answer.tookMs);
    const retryAfterMs = parseRetryAfter(answer.retryAfter);
    seen.longestAskedS = Math.max(seen.longestAskedS, (retryAfterMs ?? 0) / 1_000);
    putOff(index, `503 ${/"code":"([^"]+)"/.exec(answer.body)?.[1] ?? ''}`, retryAfterMs);
  }

  /** A permit or report that finds no answer is left: what counts is that what was acknowledged is there. */
  async function enrol(index: number, exchange: Exchange, about: { rolloutId: string; releaseId: string }) {
    const deviceId = herdDeviceId(first + index);
    const question = JSON.stringify({ deviceId, isRollback: false, ...about, sequence: nextSequence(index) });
    const asked = await ask(index, exchange, { path: '/v1/permit', body: question });
    const permit = asked.status === 200 ? parsePermitAnswer(asked.body) : undefined;
    if (permit?.ok !== true || permit.value.kind !== 'permit') return;
    const document = parsePermitDocument(permit.value.permit.payload);
    if (!document.ok) return;
    const { permitId } = document.value;
    seen.permitIds.push(permitId);
    const sequence = nextSequence(index);
    const report = { detail: '', deviceId, event: 'verified', permitId, ...about, running, sequence };
    const reported = await ask(index, exchange, { path: '/v1/report', body: JSON.stringify(report) });
    if (reported.status === 200) seen.reportKeys.push(`${deviceId} ${sequence}`);
  }

  return {
    begin() {
      began = performance.now();
      swept = Math.floor(began / SLOT_MS);
      const { perSecond } = job;
      if (perSecond === undefined) ready = Array.from({ length: count }, (_, index) => index);
      else for (let index = 0; index < count; index++) dueLater(index, began + (1_000 * index) / perSecond);
    },
    next() {
      const index = ready[taken];
      if (index !== undefined) taken++;
      else sweep();
      return index;
    },
    untilDueMs(index) {
      const now = performance.now();
      return Math.max(0, Math.min((dueAt[index] ?? 0) - now, began + job.limitMs - now));
    },
    isDone: (index) => dueAt[index] === Number.POSITIVE_INFINITY,
    visit,
    failed(index, cause) {
      attempt(index);
      broke(index, cause);
    },
    noteSetUp: (tookMs) => void seen.setUpsMs.push(tookMs),
    progress: () =>
      `${seen.answered} of ${count} answered; ${seen.attempts} visits, ${seen.shed} sent away, ${seen.broken} broken`,
    isOver: () => seen.answered === count || performance.now() - began > job.limitMs,
    result: () => seen,
  };
}

const CHECK_IN = '/v1/check-in';
/** Devices that are put off are looked at so often. */
const SLOT_MS = 20;

// SPDX-License-Identifier: Apache-2.0
import type { NetConnectOpts } from 'node:net';
import process from 'node:process';
import { exchanges, opened } from './exchange.ts';
import {
  checkInRequest,
  isCamera,
  permitRequest,
  pollRequest,
  type RolloutNamed,
  SEQUENCE_OF_FLEET,
} from './requests.ts';

/** What the parent asks this process for: load on one server for a while. */
export interface LoadJob {
  readonly where: NetConnectOpts;
  readonly kind: 'check-in' | 'poll' | 'permit';
  /** Of permits: each camera asks once for this rollout. */
  readonly rollout?: RolloutNamed;
  readonly connections: number;
  /** Ends after so long, or after so many requests, whichever is first. */
  readonly durationMs: number;
  readonly requestsMax: number;
  /** Requests a second over all connections; absent: as many as come back. */
  readonly perSecond?: number;
  readonly devices: number;
  /** Devices in order, so that all are asked once, or in leaps, so that no neighbour in memory helps the next. */
  readonly isInOrder: boolean;
}

export interface LoadResult {
  readonly answered: number;
  /** Answers that were not 200. */
  readonly failed: number;
  /** Of these: 503, come again later. */
  readonly sentAway: number;
  /** Answers that were permits. */
  readonly permits: number;
  readonly elapsedMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly answerBytes: number;
}

/** A prime: leaps of it come to every device before one comes twice. */
const LEAP = 7_919;

/** What each server has been sent: how often by each device, and by which one last. A gap in a device's sequence would make a gateway read it anew. */
interface Sent {
  sequences: Uint32Array<ArrayBuffer>;
  position: number;
  /** The number of the device that asked for a permit last. */
  asked: number;
}

/** By where the server is: it goes on over all jobs. */
const sentTo = new Map<string, Sent>();

process.on('message', (job: LoadJob) => {
  run(job)
    .then((result) => process.send?.({ result }))
    .catch((cause: unknown) => process.send?.({ fault: String(cause) }));
});

async function run(job: LoadJob): Promise<LoadResult> {
  const sent = sentSoFar(job);
  const latenciesMs: number[] = [];
  const seen = { sent: 0, failed: 0, sentAway: 0, permits: 0, answerBytes: 0 };
  const began = performance.now();
  const mayGoOn = () => seen.sent < job.requestsMax && performance.now() - began < job.durationMs;
  const sockets = await Promise.all(Array.from({ length: job.connections }, () => opened(job.where)));
  await Promise.all(
    sockets.map(async (socket, index) => {
      const exchange = exchanges(socket);
      while (mayGoOn()) {
        // Paced: the n-th request has its moment, whichever connection is free for it.
        if (job.perSecond !== undefined) {
          const due = began + (1_000 * (seen.sent + index)) / job.perSecond;
          const waitMs = due - performance.now();
          if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
        }
        seen.sent++;
        const sentAt = performance.now();
        const { status, bytes, body } = await exchange(nextRequest(job, sent));
        latenciesMs.push(performance.now() - sentAt);
        seen.answerBytes = bytes;
        if (status !== 200) seen.failed++;
        if (status === 503) seen.sentAway++;
        if (body.includes('"kind":"permit"')) seen.permits++;
      }
      socket.destroy();
    }),
  );
  const elapsedMs = performance.now() - began;
  latenciesMs.sort((a, b) => a - b);
  const at = (share: number) => latenciesMs[Math.floor(latenciesMs.length * share)] ?? Number.NaN;
  const { failed, sentAway, permits, answerBytes } = seen;
  const counts = { answered: latenciesMs.length, failed, sentAway, permits, answerBytes };
  return { ...counts, elapsedMs, p50Ms: at(0.5), p99Ms: at(0.99) };
}

function sentSoFar({ where, devices, isInOrder }: LoadJob): Sent {
  const key = JSON.stringify(where);
  const sent = sentTo.get(key) ?? { sequences: new Uint32Array(0), position: 0, asked: -1 };
  sentTo.set(key, sent);
  if (sent.sequences.length < devices) {
    const grown = new Uint32Array(devices).fill(SEQUENCE_OF_FLEET);
    grown.set(sent.sequences);
    sent.sequences = grown;
  }
  if (isInOrder) sent.position = 0;
  return sent;
}

function nextRequest({ kind, devices, isInOrder, rollout }: LoadJob, sent: Sent): string {
  if (kind === 'permit' && rollout !== undefined) {
    do sent.asked++;
    while (!isCamera(sent.asked));
    if (sent.asked >= devices) throw new Error(`All ${devices} devices have asked; take more devices or less time`);
    const sequence = (sent.sequences[sent.asked] ?? 0) + 1;
    sent.sequences[sent.asked] = sequence;
    return permitRequest(sent.asked, sequence, rollout);
  }
  sent.position = (sent.position + (isInOrder ? 1 : LEAP)) % devices;
  const { position, sequences } = sent;
  if (kind === 'poll') return pollRequest(position);
  const sequence = (sequences[position] ?? 0) + 1;
  sequences[position] = sequence;
  return checkInRequest(position, sequence);
}

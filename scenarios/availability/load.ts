// SPDX-License-Identifier: Apache-2.0
import { keptConnections } from '@outrider/adapters/device/http-client';
import { delay } from '@outrider/adapters/shared/delay';
import type { Sha256 } from '@outrider/domain/kernel/ids';
import { below, type Prng } from '@outrider/domain/kernel/prng';
import { parsePermitDocument } from '@outrider/protocol/gateway/permit';
import type { ProofDevice } from '@outrider/simulator/compose';

/** What the devices of a load saw, all together. */
export interface Seen {
  checkIns: number;
  /** Check-ins that were answered at the first attempt, and those that needed further ones. */
  retried: number;
  /** Attempts whose connection broke or that were turned away: each is tried again. */
  attemptsLost: number;
  /** Check-ins that no attempt brought an answer to. */
  failed: number;
  readonly causes: Map<string, number>;
  offers: number;
  /** From the offer to the first byte of what it names, in milliseconds. */
  readonly downloadStartsMs: number[];
  downloadsFailed: number;
  /** What was acknowledged: it must be in the tables in the end. */
  readonly permitIds: Set<string>;
  readonly reportKeys: Set<string>;
  readonly latenciesMs: number[];
}

export function nothingSeen(): Seen {
  return {
    ...{ checkIns: 0, retried: 0, attemptsLost: 0, failed: 0, offers: 0, downloadsFailed: 0 },
    ...{ causes: new Map(), downloadStartsMs: [], permitIds: new Set(), reportKeys: new Set(), latenciesMs: [] },
  };
}

/**
 * How a check-in is counted: one request and, when its connection broke, was refused or was turned away with 503, up to three more,
 * each on a new connection after 50 to 500 ms. It has failed when none of the four was answered. Agents do the same over minutes.
 */
const ATTEMPTS_MAX = 4;
const RETRY_MS_MIN = 50;
const RETRY_MS_MAX = 500;
const PAUSE_MEAN_MS = 900;
/** Of the rounds of a device: those in which it also asks for a permit, and reports. */
const PERMIT_EVERY = 6;

/** A device on a connection of its own, through the balancer, until it is over. */
export async function liveOn(options: {
  readonly device: ProofDevice;
  readonly url: string;
  readonly source: Prng;
  readonly seen: Seen;
  readonly isOver: () => boolean;
}): Promise<void> {
  const { device, url, source, seen, isOver } = options;
  const connections = keptConnections(new URL(url), 1);
  const network = device.networkOn(new URL(url), connections);
  await delay(below(source, 2 * PAUSE_MEAN_MS));
  for (let round = 0; !isOver(); round++) {
    const began = performance.now();
    const answer = await attempted(() => device.checkInOn(network));
    if (answer !== undefined) seen.latenciesMs.push(performance.now() - began);
    if (answer?.kind === 'offer') {
      seen.offers++;
      const [first] = answer.artifacts;
      if (first !== undefined)
        await download(first.artifact.kind === 'full' ? first.artifact.digest : first.artifact.delta.digest);
    }
    if (round % PERMIT_EVERY === 0) await askPermit();
    await delay(below(source, 2 * PAUSE_MEAN_MS));
  }
  connections.destroy();

  async function attempted(checkIn: () => ReturnType<ProofDevice['checkInOn']>) {
    seen.checkIns++;
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      const answer = await checkIn();
      if (answer.ok) {
        if (attempt > 1) seen.retried++;
        return answer.value;
      }
      seen.attemptsLost++;
      const cause = answer.error.detail.replace(/\d{4,5}/g, 'n').slice(0, 60);
      seen.causes.set(cause, (seen.causes.get(cause) ?? 0) + 1);
      await delay(RETRY_MS_MIN + below(source, RETRY_MS_MAX - RETRY_MS_MIN));
    }
    seen.failed++;
    return undefined;
  }

  /** Only until the first bytes are there: how fast they come is the disk's and the network's. */
  async function download(digest: Sha256): Promise<void> {
    const began = performance.now();
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      try {
        for await (const chunk of network.fetchBlob(digest, 0)) {
          if (chunk.byteLength === 0) continue;
          seen.downloadStartsMs.push(performance.now() - began);
          break;
        }
        return;
      } catch {
        // Cut: from the beginning again, as nothing had come; the time runs on.
        await delay(RETRY_MS_MIN + below(source, RETRY_MS_MAX - RETRY_MS_MIN));
      }
    }
    seen.downloadsFailed++;
  }

  async function askPermit(): Promise<void> {
    const answer = await device.askPermitOn(network);
    if (!answer.ok || answer.value.kind !== 'permit') return;
    const permit = parsePermitDocument(answer.value.permit.payload);
    if (!permit.ok) return;
    seen.permitIds.add(permit.value.permitId);
    const { key, answer: taken } = await device.reportOn(network, permit.value.permitId);
    if (taken.ok) seen.reportKeys.add(key);
  }
}

// SPDX-License-Identifier: Apache-2.0
import { chooseArtifact } from '@outrider/domain/delta/delta';
import { DownloadCut } from '@outrider/domain/device/errors';
import type { Network, NetworkError } from '@outrider/domain/device/ports';
import type { CheckIn, CheckInAnswer } from '@outrider/domain/gateway/check-in';
import {
  type NotYet,
  PERMIT_TYPE,
  type PermitAnswer,
  type PermitDocument,
  type PermitRequest,
} from '@outrider/domain/gateway/permit';
import type { Report } from '@outrider/domain/gateway/report';
import type { Epoch, PermitId, RolloutId, Sha256 } from '@outrider/domain/kernel/ids';
import { type Err, err, ok } from '@outrider/domain/kernel/result';
import { type FleetInstant, HOUR_MS, hours } from '@outrider/domain/kernel/time';
import { encodePermitDocument } from '@outrider/protocol/gateway/permit';
import type { DeviceLab, LabRelease } from './device-lab.ts';

/** A server for one device that does what a test says: it offers one release, grants or not, and breaks where told. */
export interface LabNetwork extends Network {
  /** What is offered from now on; undefined: nothing. */
  offered: { readonly release: LabRelease; readonly isRollback: boolean } | undefined;
  /** How a request for a permit is answered: `grant`, or not yet. */
  permits: 'grant' | NotYet;
  /** The network is away. */
  isDown: boolean;
  /** Changes answers before they leave: for attacks. */
  alterOffer: (answer: CheckInAnswer) => CheckInAnswer | Promise<CheckInAnswer>;
  alterPermit: (document: PermitDocument) => PermitDocument;
  /** Downloads break off after so many bytes in all. */
  downloadBytesLeft: number;
  /** What came in, oldest first. */
  readonly checkIns: CheckIn[];
  readonly permitRequests: PermitRequest[];
  /** Reports by sequence, each counted once. */
  readonly reports: Map<number, Report>;
  downloadedBytes: number;
}

export const LAB_ROLLOUT_ID = 'camera-rollout' as RolloutId;
const CHUNK_BYTES = 700;

/** A lab's server. */
export function labNetwork(lab: DeviceLab): LabNetwork {
  const network: LabNetwork = {
    offered: undefined,
    permits: 'grant',
    isDown: false,
    alterOffer: (answer) => answer,
    alterPermit: (document) => document,
    downloadBytesLeft: Number.POSITIVE_INFINITY,
    checkIns: [],
    permitRequests: [],
    reports: new Map(),
    downloadedBytes: 0,
    async checkIn(checkIn) {
      if (network.isDown) return away();
      network.checkIns.push(checkIn);
      return ok(await network.alterOffer(answerOf(lab, network, checkIn)));
    },
    async askPermit(request) {
      if (network.isDown) return away();
      network.permitRequests.push(request);
      return ok(network.permits === 'grant' ? permitFor(lab, network, request) : network.permits);
    },
    async sendReport(report) {
      if (network.isDown) return away();
      network.reports.set(report.sequence, report);
      return ok('acknowledged');
    },
    fetchBlob: (digest, start) => blob(lab, network, { digest, start }),
  };
  return network;
}

function answerOf(lab: DeviceLab, { offered }: LabNetwork, { running }: CheckIn): CheckInAnswer {
  const meant = offered && (offered.isRollback ? offered.release.manifest.rollbackTwin : offered.release.manifest);
  if (offered === undefined || meant === undefined || meant.releaseCounter <= running.releaseCounter) {
    return { kind: 'refusal', code: 'no-rollout', pollAfterMs: hours(12) };
  }
  return {
    kind: 'offer',
    rolloutId: LAB_ROLLOUT_ID,
    releaseId: meant.releaseId,
    epoch: 1 as Epoch,
    release: offered.release.envelope,
    isRollback: offered.isRollback,
    artifacts: meant.components.map(({ name, image }) => {
      const base = running.components.find((one) => one.name === name)?.digest;
      return { component: name, artifact: chooseArtifact(image, base, lab.deltas) };
    }),
    pollAfterMs: hours(1),
  };
}

function permitFor(lab: DeviceLab, network: LabNetwork, request: PermitRequest): PermitAnswer {
  const manifest = network.offered?.release.manifest;
  const meant = request.isRollback ? manifest?.rollbackTwin : manifest;
  if (meant === undefined) return { kind: 'not-yet', code: 'no-offer', askAfterMs: hours(1) };
  const document = network.alterPermit({
    schema: 1,
    permitId: `permit-${request.releaseId}` as PermitId,
    deviceId: request.deviceId,
    rolloutId: request.rolloutId,
    releaseId: request.releaseId,
    releaseCounter: meant.releaseCounter,
    epoch: 1 as Epoch,
    grantedAt: 0 as FleetInstant,
    lifeMs: HOUR_MS,
  });
  const signable = { payloadType: PERMIT_TYPE, payload: encodePermitDocument(document) };
  return { kind: 'permit', permit: lab.sign(signable, [lab.permitSigner]) };
}

async function* blob(
  lab: DeviceLab,
  network: LabNetwork,
  { digest, start }: { readonly digest: Sha256; readonly start: number },
): AsyncGenerator<Uint8Array> {
  const content = lab.blobs.get(digest);
  if (network.isDown || content === undefined) throw new DownloadCut('The network is away');
  for (let from = start; from < content.byteLength; from += CHUNK_BYTES) {
    if (network.downloadBytesLeft < CHUNK_BYTES) throw new DownloadCut('The network went away');
    const chunk = content.subarray(from, from + CHUNK_BYTES);
    network.downloadBytesLeft -= chunk.byteLength;
    network.downloadedBytes += chunk.byteLength;
    yield chunk;
  }
}

function away(): Err<NetworkError> {
  return err({ code: 'network-unreachable', detail: 'The network is away' });
}

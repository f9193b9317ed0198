// SPDX-License-Identifier: Apache-2.0
import type { LedgerOutcome } from '@outrider/domain/gateway/ledger';
import type { PermitDocument } from '@outrider/domain/gateway/permit';
import type { Report } from '@outrider/domain/gateway/report';
import type { VersionManifest } from '@outrider/domain/gateway/version-manifest';
import { assert } from '@outrider/domain/kernel/assert';
import type { RolloutPlan } from '@outrider/domain/policy/rollout';
import type { ReleaseManifest } from '@outrider/domain/release/release';
import { parsePermitDocument } from '@outrider/protocol/gateway/permit';
import { encodeReport, parseReportAnswer, type ReportAnswer } from '@outrider/protocol/gateway/report';
import { signVersionManifest } from '@outrider/protocol/gateway/version-manifest';
import { manifestOf, planOf, type Rehearsal, signed, signerOf, startRollout } from './rehearsal.ts';
import { type RehearsedDevice, rehearsedDevice, sendTo } from './rehearsed-device.ts';

/** What a device could say that it installed, and what it would sign with it. */
export interface RehearsedClaim {
  readonly report: Report;
  readonly manifest: VersionManifest;
}

/** A device that holds a permit for 1.1.0 and can claim anything. */
export interface ClaimingDevice extends Pick<Rehearsal, 'server' | 'step'> {
  readonly device: RehearsedDevice;
  /** The honest one. */
  claim(sequence?: number): RehearsedClaim;
  /** The row of its permit. */
  outcome(): Promise<LedgerOutcome | undefined>;
}

/** Ships 1.1.0 to a device that left the factory with 1.0.0, up to its permit. */
export async function claimingDevice(
  { server, step }: Rehearsal,
  overrides: Partial<RolloutPlan> = {},
): Promise<ClaimingDevice> {
  const former = await manifestOf(server, '1.0.0');
  const newer = await manifestOf(server, '1.1.0', former);
  for (const manifest of [former, newer]) assert((await server.releases.publish(signed(manifest))).ok, 'a release');
  const device = rehearsedDevice({
    ...{ deviceId: 'camera-1', hardwareId: 'rev-a', tags: ['dogfood'], factory: former, send: sendTo(server) },
    isHealthy: () => true,
  });
  assert((await device.register()).status === 201, 'a registered device');
  const plan = planOf(newer, overrides);
  await startRollout(server, plan);
  await step();
  const offer = await device.checkIn();
  assert(offer.kind === 'offer', `an offer, got ${JSON.stringify(offer)}`);
  const granted = await device.askPermit(offer);
  assert(granted.kind === 'permit', `a permit, got ${JSON.stringify(granted)}`);
  const permit = parsePermitDocument(granted.permit.payload);
  assert(permit.ok, 'a permit with a document');
  return {
    ...{ server, step, device },
    claim: (sequence = device.lastSequence() + 1) => claimOf(permit.value, newer, sequence),
    async outcome() {
      const [row] = await server.queries.listLedger(plan.rolloutId, { afterPosition: 0, limit: 1 });
      return row;
    },
  };
}

/** The report with a manifest signed by the key of this name. */
export function withManifest(report: Report, manifest: VersionManifest, signer: string = report.deviceId): Report {
  return { ...report, manifest: signVersionManifest(manifest, signerOf(signer)) };
}

/** Sends it as the device. */
export async function sendReport(device: RehearsedDevice, report: Report): Promise<ReportAnswer> {
  const { status, body } = await device.send('/v1/report', encodeReport(report));
  const answer = parseReportAnswer(body);
  assert(status === 200 && answer.ok, `an answer to a report, got ${status} ${body}`);
  return answer.value;
}

function claimOf(permit: PermitDocument, release: ReleaseManifest, sequence: number): RehearsedClaim {
  const { deviceId, rolloutId, releaseId, permitId, epoch, grantedAt } = permit;
  const { version, releaseCounter } = release;
  const images = release.components.map(({ name, image: { digest, bytes } }) => ({ name, digest, bytes }));
  const running = { version, releaseCounter, components: images.map(({ name, digest }) => ({ name, digest })) };
  return {
    report: { deviceId, sequence, rolloutId, releaseId, permitId, event: 'verified', running, detail: '' },
    manifest: {
      ...{ schema: 1, deviceId, sequence, rolloutId, releaseId, permitId, epoch, slot: 'b', version, releaseCounter },
      ...{ images, bootCount: 2, confirmedAt: grantedAt },
    },
  };
}

// SPDX-License-Identifier: Apache-2.0
import type { KnownDevice } from '@outrider/domain/gateway/device-record';
import { mayLackManifest, verifyManifest } from '@outrider/domain/gateway/judge-claim';
import type { ManifestFaultCode } from '@outrider/domain/gateway/manifest-faults';
import type { ReportLog } from '@outrider/domain/gateway/ports';
import type { Report } from '@outrider/domain/gateway/report';
import type { KeptManifests } from '@outrider/domain/gateway/version-manifest';
import type { FleetInstant } from '@outrider/domain/kernel/time';
import type { RollbackTwin } from '@outrider/domain/release/release';
import type { SignatureVerifier } from '@outrider/domain/trust/ports';
import { parseVersionManifest } from '@outrider/protocol/gateway/version-manifest';
import type { SnapshotHolder } from '../policy/snapshot-holder.ts';
import type { Log } from '../ports.ts';
import type { Counters } from './counters.ts';

/** Judges what devices with a key of their own say they have installed, before it counts. */
export interface Claims {
  /** Of a report `verified`. The store is read only where a version manifest is missing. */
  judge(device: KnownDevice, report: Report, receivedAt: FleetInstant): Promise<ClaimVerdict>;
}

export interface ClaimVerdict {
  /** Absent: the claim is believed. */
  readonly fault?: ManifestFaultCode;
  /** What is kept of it with the report. */
  readonly kept?: KeptManifests;
}

export function claims(options: {
  readonly holder: SnapshotHolder;
  readonly reportLog: Pick<ReportLog, 'loadKeptManifests'>;
  readonly verifier: SignatureVerifier;
  readonly counters: Counters;
  readonly log: Log;
}): Claims {
  const { holder, reportLog, verifier, counters, log } = options;

  async function isLackAllowed(report: Report): Promise<boolean> {
    const { rolloutId, releaseId, deviceId } = report;
    const plan = holder.policy().rollouts.get(rolloutId)?.plan;
    const needs = plan?.claimNeeds;
    const isWayBack = plan !== undefined && plan.releaseId !== releaseId;
    const about = { ...(needs === undefined ? {} : { needs }), isWayBack };
    if (needs !== undefined || isWayBack) return mayLackManifest({ ...about, hasShownOne: false });
    const kept = await reportLog.loadKeptManifests(deviceId);
    return mayLackManifest({ ...about, hasShownOne: kept?.manifest !== undefined });
  }

  function disbelieve(device: KnownDevice, report: Report, code: ManifestFaultCode, receivedAt: FleetInstant) {
    counters.add('claim', code);
    const { deviceId } = device.record;
    const { rolloutId, sequence } = report;
    log.warn({ stage: 'gateway', code, deviceId, rolloutId }, 'What a device says it installed is not believed');
    return { fault: code, kept: { disbelieved: { code, sequence, receivedAt } } };
  }

  return {
    async judge(device, report, receivedAt) {
      const { manifest: envelope, sequence } = report;
      if (envelope === undefined) {
        if (!(await isLackAllowed(report))) return disbelieve(device, report, 'manifest-missing', receivedAt);
        counters.add('claim', 'believed-by-signature');
        return {};
      }
      const release = permittedIn(holder, report);
      const verified = verifyManifest(report, {
        ...{ publicKey: device.record.publicKey, verifier, parse: parseVersionManifest },
        ...(release === undefined ? {} : { release }),
      });
      if (!verified.ok) return disbelieve(device, report, verified.error, receivedAt);
      counters.add('claim', 'believed');
      return { kept: { manifest: { envelope, sequence, receivedAt } } };
    },
  };
}

/** The release or its twin, by the id that the permit names; of a rollout that is no longer live nothing. */
function permittedIn(holder: SnapshotHolder, { rolloutId, releaseId }: Report): RollbackTwin | undefined {
  const manifest = holder.newest()?.rollouts.get(rolloutId)?.release.manifest;
  return manifest?.releaseId === releaseId ? manifest : manifest?.rollbackTwin;
}

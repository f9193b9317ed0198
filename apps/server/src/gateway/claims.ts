// SPDX-License-Identifier: Apache-2.0
import type { ClaimFaultCode } from '@outrider/domain/gateway/claim-faults';
import type { KnownDevice } from '@outrider/domain/gateway/device-record';
import { mayLackManifest, mayLackQuote, verifyManifest } from '@outrider/domain/gateway/judge-claim';
import { type QuoteFault, type QuoteTools, verifyQuote } from '@outrider/domain/gateway/judge-quote';
import type { ReportLog } from '@outrider/domain/gateway/ports';
import type { Report } from '@outrider/domain/gateway/report';
import type { EnrolledTpm } from '@outrider/domain/gateway/tpm-quote';
import type { KeptManifests } from '@outrider/domain/gateway/version-manifest';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import type { FleetInstant } from '@outrider/domain/kernel/time';
import type { RollbackTwin } from '@outrider/domain/release/release';
import type { Envelope } from '@outrider/domain/trust/envelope';
import type { DigestText, SignatureVerifier } from '@outrider/domain/trust/ports';
import { parseVersionManifest } from '@outrider/protocol/gateway/version-manifest';
import type { SnapshotHolder } from '../policy/snapshot-holder.ts';
import type { Log } from '../ports.ts';

/** Judges what devices with a key of their own say they have installed, before it counts. */
export interface Claims {
  /** Of a report `verified`. What is kept of its device is read once. */
  judge(device: KnownDevice, report: Report, receivedAt: FleetInstant): Promise<ClaimVerdict>;
}

export interface ClaimVerdict {
  /** Absent: the claim is believed. */
  readonly fault?: ClaimFaultCode;
  /** What is kept of it with the report. */
  readonly kept?: KeptManifests;
  /** How the claim is counted, once for each report that is new; absent: nothing was judged. */
  readonly counted?: ClaimFaultCode | 'believed' | 'believed-by-tpm' | 'believed-by-signature';
}

export function claims(options: {
  readonly holder: SnapshotHolder;
  readonly reportLog: Pick<ReportLog, 'loadKeptManifests'>;
  readonly verifier: SignatureVerifier;
  readonly quoteTools: QuoteTools;
  readonly digestText: DigestText;
  readonly log: Log;
}): Claims {
  const { holder, reportLog, verifier, quoteTools, digestText, log } = options;

  /** What the plan says of claims, and whether the device has gone back. */
  function conditionsOf({ rolloutId, releaseId }: Report) {
    const plan = holder.policy().rollouts.get(rolloutId)?.plan;
    const needs = plan?.claimNeeds;
    return {
      ...(needs === undefined ? {} : { needs }),
      isWayBack: plan !== undefined && plan.releaseId !== releaseId,
    };
  }

  /** The device's TPM as it is enrolled from now on. */
  function enrolledBy(
    report: Report,
    manifest: Envelope,
    { known, receivedAt }: Judging,
  ): Result<EnrolledTpm, QuoteFault> {
    const { quote } = report;
    if (quote === undefined) return err({ code: 'quote-missing' });
    const verified = verifyQuote(quote, {
      manifestSha256: digestText(manifest.payload),
      tools: quoteTools,
      ...(known === undefined ? {} : { enrolled: known }),
    });
    if (!verified.ok) return verified;
    return ok(known ?? { publicKey: quote.publicKey, pcrs: verified.value, enrolledAt: receivedAt });
  }

  function disbelieve(report: Report, { code, detail }: ClaimFault, receivedAt: FleetInstant): ClaimVerdict {
    const { deviceId, rolloutId, sequence } = report;
    log.warn({ stage: 'gateway', code, deviceId, rolloutId }, 'What a device says it installed is not believed');
    const said = detail === undefined ? {} : { detail };
    return { fault: code, counted: code, kept: { disbelieved: { code, sequence, receivedAt, ...said } } };
  }

  return {
    async judge({ record: { publicKey } }, report, receivedAt) {
      const { manifest: envelope, sequence } = report;
      const before = (await reportLog.loadKeptManifests(report.deviceId))?.manifest;
      const conditions = conditionsOf(report);
      if (envelope === undefined) {
        const isLackAllowed = mayLackManifest({ ...conditions, hasShownOne: before !== undefined });
        if (!isLackAllowed) return disbelieve(report, { code: 'manifest-missing' }, receivedAt);
        return { counted: 'believed-by-signature' };
      }
      const release = permittedIn(holder, report);
      const verified = verifyManifest(report, {
        ...{ publicKey, verifier, parse: parseVersionManifest },
        ...(release === undefined ? {} : { release }),
      });
      if (!verified.ok) return disbelieve(report, { code: verified.error }, receivedAt);
      const known = before?.tpm;
      const isOptional = mayLackQuote({ ...conditions, hasEnrolled: known !== undefined });
      const tpm = enrolledBy(report, envelope, { known, receivedAt });
      if (!tpm.ok && (report.quote !== undefined || !isOptional)) return disbelieve(report, tpm.error, receivedAt);
      const enrolled = tpm.ok ? tpm.value : known;
      const manifest = { envelope, sequence, receivedAt, ...(enrolled === undefined ? {} : { tpm: enrolled }) };
      return { counted: tpm.ok ? 'believed-by-tpm' : 'believed', kept: { manifest } };
    },
  };
}

interface Judging {
  readonly known: EnrolledTpm | undefined;
  readonly receivedAt: FleetInstant;
}

interface ClaimFault {
  readonly code: ClaimFaultCode;
  readonly detail?: string;
}

/** The release or its twin, by the id that the permit names; of a rollout that is no longer live nothing. */
function permittedIn(holder: SnapshotHolder, { rolloutId, releaseId }: Report): RollbackTwin | undefined {
  const manifest = holder.newest()?.rollouts.get(rolloutId)?.release.manifest;
  return manifest?.releaseId === releaseId ? manifest : manifest?.rollbackTwin;
}

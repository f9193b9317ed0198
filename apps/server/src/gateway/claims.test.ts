// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ManifestFaultCode } from '@outrider/domain/gateway/manifest-faults';
import type { PermitDocument } from '@outrider/domain/gateway/permit';
import type { Report } from '@outrider/domain/gateway/report';
import type { VersionManifest } from '@outrider/domain/gateway/version-manifest';
import { present } from '@outrider/domain/kernel/assert';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import type { RolloutPlan } from '@outrider/domain/policy/rollout';
import { parsePermitDocument } from '@outrider/protocol/gateway/permit';
import { encodeReport, parseReportAnswer } from '@outrider/protocol/gateway/report';
import { signVersionManifest } from '@outrider/protocol/gateway/version-manifest';
import { memoryStore } from '@outrider/testkit/memory-store';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';
import { manifestOf, planOf, rehearse, SOON, signed, signerOf, startRollout } from '../rehearsal.ts';
import { type RehearsedDevice, rehearsedDevice, sendTo } from '../rehearsed-device.ts';

test('what a device says it installed counts with its version manifest, and the manifest is kept', async () => {
  const { device, claim, outcome, server } = await permitted();
  const { report, manifest } = claim();
  assert.deepEqual(await tell(device, report, manifest), { result: 'counted' });
  assert.ok((await outcome())?.verifiedAt !== undefined);
  await server.drain();
  const shown = await server.queries.showDevice(device.deviceId);
  assert.ok(shown.ok);
  assert.equal(shown.value.manifests?.manifest?.sequence, report.sequence);
  assert.equal(shown.value.manifests?.disbelieved, undefined);
  assert.deepEqual(server.recorder.counters.read().claim, { believed: 1 });
  assert.equal(shown.value.record.status.running.version, '1.1.0');
});

test('a claim whose manifest is forged, replayed or of another device is recorded, and counts for nothing', async () => {
  const faults: readonly [ManifestFaultCode, (claim: Claim) => Report][] = [
    ['manifest-signature-invalid', ({ report, manifest }) => withManifest(report, manifest, 'somebody')],
    [
      'manifest-for-another',
      ({ report, manifest }) => withManifest(report, { ...manifest, deviceId: OTHER }, 'camera-1'),
    ],
    ['manifest-replayed', ({ report, manifest }) => withManifest(report, { ...manifest, sequence: 1 }, 'camera-1')],
    ['manifest-malformed', ({ report, manifest }) => withManifest(report, { ...manifest, slot: '' }, 'camera-1')],
    [
      'manifest-other-release',
      ({ report, manifest }) => withManifest(report, { ...manifest, images: shorter(manifest) }, 'camera-1'),
    ],
  ];
  for (const [code, forge] of faults) {
    const { device, claim, outcome, server } = await permitted();
    const forged = forge(claim());
    assert.deepEqual(await send(device, forged), { result: 'unmatched', disbelieved: code });
    assert.equal((await outcome())?.verifiedAt, undefined, code);
    assert.deepEqual(server.recorder.counters.read().claim, { [code]: 1 });
    await server.drain();
    const shown = await server.queries.showDevice(device.deviceId);
    assert.ok(shown.ok);
    assert.equal(shown.value.manifests?.disbelieved?.code, code);
    assert.equal(shown.value.record.status.running.version, '1.0.0', 'what it runs is not taken from it');
    assert.equal(shown.value.record.status.state, 'idle');
    const [stored] = await server.queries.listReports(forged.rolloutId, { afterPosition: 0, limit: 9 });
    assert.equal(stored?.report.event, 'verified', 'recorded');
    const { report, manifest } = claim(forged.sequence + 1);
    assert.equal((await tell(device, report, manifest)).result, 'counted', 'the honest one counts after that');
  }
});

test('a device that signs no manifests counts by its signature until it has shown one, never after', async () => {
  const { device, claim, outcome } = await permitted();
  const { report } = claim();
  assert.deepEqual(await send(device, report), { result: 'counted' });
  assert.ok((await outcome())?.verifiedAt !== undefined);
  const shown = claim(report.sequence + 1);
  assert.deepEqual(await tell(device, shown.report, shown.manifest), { result: 'counted' });
  const bare = claim(report.sequence + 2).report;
  assert.deepEqual(await send(device, bare), { result: 'unmatched', disbelieved: 'manifest-missing' });
});

test('a plan says whether a manifest is needed from every device, or from none', async () => {
  const strict = await permitted({ claimNeeds: 'manifest' });
  const bare = strict.claim().report;
  assert.deepEqual(await send(strict.device, bare), { result: 'unmatched', disbelieved: 'manifest-missing' });
  assert.equal((await strict.outcome())?.verifiedAt, undefined);
  const lenient = await permitted({ claimNeeds: 'signature' });
  const { report, manifest } = lenient.claim();
  assert.equal((await tell(lenient.device, report, manifest)).result, 'counted');
  assert.deepEqual(await send(lenient.device, lenient.claim(report.sequence + 1).report), { result: 'counted' });
});

const OTHER = 'camera-2' as DeviceId;

interface Claim {
  readonly report: Report;
  readonly manifest: VersionManifest;
}

/** A device that holds a permit for 1.1.0. */
async function permitted(overrides: Partial<RolloutPlan> = {}) {
  const { server, step } = rehearse({ store: memoryStore(), blobs: memoryBlobs(), schedule: SOON });
  const former = await manifestOf(server, '1.0.0');
  const newer = await manifestOf(server, '1.1.0', former);
  for (const manifest of [former, newer]) assert.ok((await server.releases.publish(signed(manifest))).ok);
  const device = rehearsedDevice({
    ...{ deviceId: 'camera-1', hardwareId: 'rev-a', tags: ['dogfood'], factory: former, send: sendTo(server) },
    isHealthy: () => true,
  });
  assert.equal((await device.register()).status, 201);
  const plan = planOf(newer, overrides);
  await startRollout(server, plan);
  await step();
  const offer = await device.checkIn();
  assert.ok(offer.kind === 'offer', JSON.stringify(offer));
  const granted = await device.askPermit(offer);
  assert.ok(granted.kind === 'permit', JSON.stringify(granted));
  const permit = parsePermitDocument(granted.permit.payload);
  assert.ok(permit.ok);
  const { version, releaseCounter, components } = newer;
  return {
    ...{ server, device },
    claim: (sequence = device.lastSequence() + 1): Claim =>
      claimOf(permit.value, { version, releaseCounter, components, sequence }),
    async outcome() {
      const [row] = await server.queries.listLedger(plan.rolloutId, { afterPosition: 0, limit: 1 });
      return row;
    },
  };
}

function claimOf(
  { deviceId, rolloutId, releaseId, permitId, epoch, grantedAt }: PermitDocument,
  runs: Pick<Awaited<ReturnType<typeof manifestOf>>, 'version' | 'releaseCounter' | 'components'> & {
    readonly sequence: number;
  },
): Claim {
  const { version, releaseCounter, components, sequence } = runs;
  const running = {
    version,
    releaseCounter,
    components: components.map(({ name, image }) => ({ name, digest: image.digest })),
  };
  return {
    report: { deviceId, sequence, rolloutId, releaseId, permitId, event: 'verified', running, detail: '' },
    manifest: {
      ...{ schema: 1, deviceId, sequence, rolloutId, releaseId, permitId, epoch, slot: 'b', version, releaseCounter },
      images: components.map(({ name, image: { digest, bytes } }) => ({ name, digest, bytes })),
      ...{ bootCount: 2, confirmedAt: grantedAt },
    },
  };
}

function withManifest(report: Report, manifest: VersionManifest, signer: string): Report {
  return { ...report, manifest: signVersionManifest(manifest, signerOf(signer)) };
}

function shorter({ images }: VersionManifest): VersionManifest['images'] {
  const image = present(images[0], 'an image');
  return [{ ...image, bytes: (image.bytes - 1) as typeof image.bytes }];
}

function tell(device: RehearsedDevice, report: Report, manifest: VersionManifest) {
  return send(device, withManifest(report, manifest, device.deviceId));
}

async function send(device: RehearsedDevice, report: Report) {
  const { status, body } = await device.send('/v1/report', encodeReport(report));
  const answer = parseReportAnswer(body);
  assert.ok(status === 200 && answer.ok, body);
  return answer.value;
}

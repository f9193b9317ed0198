// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import { digestBytes, digestText } from '@outrider/adapters/shared/digest';
import type { ManifestFaultCode } from '@outrider/domain/gateway/manifest-faults';
import type { Report } from '@outrider/domain/gateway/report';
import type { TpmQuote } from '@outrider/domain/gateway/tpm-quote';
import type { VersionManifest } from '@outrider/domain/gateway/version-manifest';
import { present } from '@outrider/domain/kernel/assert';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import type { RolloutPlan } from '@outrider/domain/policy/rollout';
import { memoryStore } from '@outrider/testkit/memory-store';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';
import { rehearse, SOON } from '../rehearsal.ts';
import { claimingDevice, type RehearsedClaim, sendReport, withManifest } from '../rehearsed-claims.ts';

test('what a device says it installed counts with its version manifest, and the manifest is kept', async () => {
  const { device, claim, outcome, server } = await onStage();
  const { report, manifest } = claim();
  assert.deepEqual(await sendReport(device, withManifest(report, manifest)), { result: 'counted' });
  assert.ok((await outcome())?.verifiedAt !== undefined);
  await server.drain();
  const shown = await server.queries.showDevice(device.deviceId);
  assert.ok(shown.ok);
  assert.equal(shown.value.manifests?.manifest?.sequence, report.sequence);
  assert.equal(shown.value.manifests?.disbelieved, undefined);
  assert.deepEqual(server.recorder.counters.read().claim, { believed: 1 });
  assert.equal(shown.value.record.status.running.version, '1.1.0');
});

test('a report that comes twice is one claim in the metric, as it is one in the evidence', async () => {
  const { device, claim, server } = await onStage();
  const { report, manifest } = claim();
  assert.deepEqual(await sendReport(device, withManifest(report, manifest)), { result: 'counted' });
  assert.equal((await sendReport(device, withManifest(report, manifest))).result, 'duplicate');
  assert.deepEqual(server.recorder.counters.read().claim, { believed: 1 });
});

test('a claim whose manifest is forged, replayed or of another device is recorded, and counts for nothing', async () => {
  const faults: readonly [ManifestFaultCode, (claim: RehearsedClaim) => Report][] = [
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
    const { device, claim, outcome, server } = await onStage();
    const forged = forge(claim());
    assert.deepEqual(await sendReport(device, forged), { result: 'unmatched', disbelieved: code });
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
    assert.equal(
      (await sendReport(device, withManifest(report, manifest))).result,
      'counted',
      'the honest one counts after that',
    );
  }
});

test('a device that signs no manifests counts by its signature until it has shown one, never after', async () => {
  const { device, claim, outcome } = await onStage();
  const { report } = claim();
  assert.deepEqual(await sendReport(device, report), { result: 'counted' });
  assert.ok((await outcome())?.verifiedAt !== undefined);
  const shown = claim(report.sequence + 1);
  assert.deepEqual(await sendReport(device, withManifest(shown.report, shown.manifest)), { result: 'counted' });
  const bare = claim(report.sequence + 2).report;
  assert.deepEqual(await sendReport(device, bare), { result: 'unmatched', disbelieved: 'manifest-missing' });
});

test('a plan says whether a manifest is needed from every device, or from none', async () => {
  const strict = await onStage({ claimNeeds: 'manifest' });
  const bare = strict.claim().report;
  assert.deepEqual(await sendReport(strict.device, bare), { result: 'unmatched', disbelieved: 'manifest-missing' });
  assert.equal((await strict.outcome())?.verifiedAt, undefined);
  const lenient = await onStage({ claimNeeds: 'signature' });
  const { report, manifest } = lenient.claim();
  assert.equal((await sendReport(lenient.device, withManifest(report, manifest))).result, 'counted');
  assert.deepEqual(await sendReport(lenient.device, lenient.claim(report.sequence + 1).report), { result: 'counted' });
});

const OTHER = 'camera-2' as DeviceId;

function shorter({ images }: VersionManifest): VersionManifest['images'] {
  const image = present(images[0], 'an image');
  return [{ ...image, bytes: (image.bytes - 1) as typeof image.bytes }];
}

test('a device whose TPM has vouched once is asked for its quote, and is held against what it enrolled', async () => {
  const { device, claim, server, step } = await onStage();
  const tpm = playedTpm();
  const first = quoted(claim(), tpm);
  assert.deepEqual(await sendReport(device, first), { result: 'counted' });
  const enrolled = await tpmOf(device.deviceId);
  assert.deepEqual(enrolled?.pcrs, [{ index: 7, digest: digestText('secure boot') }]);
  const { sequence } = first;
  const { report, manifest } = claim(sequence + 1);
  const lacking = await sendReport(device, withManifest(report, manifest));
  assert.deepEqual(lacking, { result: 'unmatched', disbelieved: 'quote-missing' });
  const others: readonly [string, Report][] = [
    ['quote-key-differs', quoted(claim(sequence + 2), playedTpm())],
    ['quote-pcr-changed', quoted(claim(sequence + 3), tpm, 'no secure boot')],
    ['quote-nonce-wrong', { ...quoted(claim(sequence + 4), tpm), quote: present(first.quote, 'a quote') }],
  ];
  for (const [code, said] of others) {
    assert.deepEqual(await sendReport(device, said), { result: 'unmatched', disbelieved: code });
  }
  const shown = await server.queries.showDevice(device.deviceId);
  assert.equal(shown.ok && shown.value.manifests?.disbelieved?.code, 'quote-nonce-wrong');
  await step();
  assert.deepEqual(await sendReport(device, quoted(claim(sequence + 5), tpm)), { result: 'counted' });
  assert.deepEqual(await tpmOf(device.deviceId), enrolled, 'what was enrolled first stays');

  const asked = { author: 'ada', deviceId: device.deviceId, reason: 'a new main board' };
  assert.ok((await server.identities.forgetTpm(asked)).ok);
  const again = await server.identities.forgetTpm(asked);
  assert.equal(!again.ok && again.error.code, 'tpm-not-enrolled');
  assert.deepEqual(await sendReport(device, quoted(claim(sequence + 6), playedTpm())), { result: 'counted' });
  assert.notEqual((await tpmOf(device.deviceId))?.publicKey, enrolled?.publicKey);

  async function tpmOf(deviceId: DeviceId) {
    const found = await server.queries.showDevice(deviceId);
    assert.ok(found.ok);
    return found.value.manifests?.manifest?.tpm;
  }
});

test('a plan may ask every device for the quote of a TPM', async () => {
  const { device, claim } = await onStage({ claimNeeds: 'quote' });
  const { report, manifest } = claim();
  const lacking = await sendReport(device, withManifest(report, manifest));
  assert.deepEqual(lacking, { result: 'unmatched', disbelieved: 'quote-missing' });
  assert.deepEqual(await sendReport(device, quoted(claim(report.sequence + 1), playedTpm())), { result: 'counted' });
});

function onStage(overrides: Partial<RolloutPlan> = {}) {
  return claimingDevice(rehearse({ store: memoryStore(), blobs: memoryBlobs(), schedule: SOON }), overrides);
}

/** A key on P-256: `npm run test:engines -- tpm` has a real software TPM in its place. */
function playedTpm() {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

/** A claim with its manifest, and a quote of register 7 about it. */
function quoted(
  { report, manifest }: RehearsedClaim,
  tpm: ReturnType<typeof playedTpm>,
  holds = 'secure boot',
): Report {
  const said = withManifest(report, manifest);
  const value = digestText(holds);
  const attest = [
    ...['ff544347', '8018', '0000', `0020${digestText(said.manifest?.payload ?? '')}`, '00'.repeat(25)],
    ...['00000001', '000b', '03800000', `0020${digestBytes(Buffer.from(value, 'hex'))}`],
  ].join('');
  const quote: TpmQuote = {
    ...{ attest, pcrs: [value] },
    signature: sign('sha256', Buffer.from(attest, 'hex'), tpm.privateKey).toString('base64'),
    publicKey: tpm.publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
  };
  return { ...said, quote };
}

// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type {
  Bytes,
  DeviceId,
  Epoch,
  KeyId,
  PermitId,
  ReleaseCounter,
  ReleaseId,
  RolloutId,
  Sha256,
} from '../kernel/ids.ts';
import { err, ok } from '../kernel/result.ts';
import { fleetInstant } from '../kernel/time.ts';
import type { SignatureVerifier } from '../trust/ports.ts';
import { mayLackManifest, verifyManifest } from './judge-claim.ts';
import type { Report } from './report.ts';
import { VERSION_MANIFEST_TYPE, type VersionManifest } from './version-manifest.ts';

const digest = (digit: string) => digit.repeat(64) as Sha256;
const publicKey = { keyId: 'k'.repeat(64) as KeyId, publicKey: 'key' };
const manifest: VersionManifest = {
  ...{ schema: 1, deviceId: 'camera-1' as DeviceId, sequence: 7, rolloutId: 'r1' as RolloutId },
  ...{ releaseId: 'camera-1.1.0' as ReleaseId, permitId: 'p1' as PermitId, epoch: 3 as Epoch, slot: 'b' },
  ...{ version: '1.1.0', releaseCounter: 2 as ReleaseCounter, bootCount: 4, confirmedAt: fleetInstant(5) },
  images: [{ name: 'main', digest: digest('b'), bytes: 1_000 as Bytes }],
};
const release = {
  ...{ releaseId: manifest.releaseId, version: '1.1.0', releaseCounter: 2 as ReleaseCounter },
  components: [
    {
      ...{ name: 'main', hardwareIds: ['rev-a'] },
      image: { digest: digest('b'), bytes: 1_000 as Bytes, blockBytes: 1 as Bytes, blocksDigest: digest('c') },
    },
  ],
};
/** What these tests sign: the text itself under the name of the key. */
const verifier: SignatureVerifier = { verify: (key, message, signature) => signature === `${key.keyId} ${message}` };
const parse = (payload: string) => (payload.startsWith('{') ? ok<VersionManifest>(JSON.parse(payload)) : err('no'));
const world = { publicKey, verifier, parse, release };

function signed(payload: string, keyId = publicKey.keyId, payloadType: string = VERSION_MANIFEST_TYPE) {
  const message = `DSSEv1 ${payloadType.length} ${payloadType} ${payload.length} ${payload}`;
  return { payloadType, payload, signatures: [{ keyId, signature: `${keyId} ${message}` }] };
}

function reportWith(change: Partial<VersionManifest> = {}, report: Partial<Report> = {}): Report {
  const { version, releaseCounter, images } = manifest;
  return {
    ...{ deviceId: manifest.deviceId, sequence: 7, rolloutId: manifest.rolloutId, releaseId: manifest.releaseId },
    ...{ permitId: manifest.permitId, event: 'verified', detail: '' },
    running: { version, releaseCounter, components: images.map((one) => ({ name: one.name, digest: one.digest })) },
    manifest: signed(JSON.stringify({ ...manifest, ...change })),
    ...report,
  };
}

function faultOf(report: Report): string | undefined {
  const judged = verifyManifest(report, world);
  return judged.ok ? undefined : judged.error;
}

describe('a version manifest', () => {
  test('that the device signed for this very report and permit is believed', () => {
    assert.deepEqual(verifyManifest(reportWith(), world), ok(manifest));
    assert.equal(faultOf(reportWith({ bootCount: 9, slot: 'a' })), undefined);
  });

  test('is refused by name when anything in it is not as it should be', () => {
    const { manifest: _, ...bare } = reportWith();
    assert.equal(faultOf(bare), 'manifest-missing');
    const text = JSON.stringify(manifest);
    assert.equal(
      faultOf(reportWith({}, { manifest: signed(text, publicKey.keyId, 'text/plain') })),
      'manifest-type-wrong',
    );
    const stranger = 's'.repeat(64) as KeyId;
    assert.equal(faultOf(reportWith({}, { manifest: signed(text, stranger) })), 'manifest-signature-invalid');
    const altered = { ...signed(text), payload: text.replace('1.1.0', '1.1.1') };
    assert.equal(faultOf(reportWith({}, { manifest: altered })), 'manifest-signature-invalid');
    assert.equal(faultOf(reportWith({}, { manifest: signed('nonsense') })), 'manifest-malformed');
    assert.equal(faultOf(reportWith({ deviceId: 'camera-2' as DeviceId })), 'manifest-for-another');
  });

  test('is of no use with another report, another permit, another rollout', () => {
    assert.equal(faultOf(reportWith({}, { sequence: 8 })), 'manifest-replayed');
    assert.equal(faultOf(reportWith({}, { permitId: 'p2' as PermitId })), 'manifest-replayed');
    assert.equal(faultOf(reportWith({}, { rolloutId: 'r2' as RolloutId })), 'manifest-replayed');
    assert.equal(faultOf(reportWith({}, { releaseId: 'camera-9' as ReleaseId })), 'manifest-replayed');
  });

  test('names what its report names, and exactly the images that were permitted', () => {
    assert.equal(faultOf(reportWith({ version: '1.0.0' })), 'manifest-differs');
    assert.equal(
      faultOf(reportWith({ images: [{ name: 'main', digest: digest('d'), bytes: 1 as Bytes }] })),
      'manifest-differs',
    );
    const other = { name: 'main', digest: digest('d') };
    const running = { version: '1.1.0', releaseCounter: 2 as ReleaseCounter, components: [other] };
    const images = [{ ...other, bytes: 1_000 as Bytes }];
    assert.equal(faultOf(reportWith({ images }, { running })), 'manifest-other-release');
    const shorter = [{ name: 'main', digest: digest('b'), bytes: 999 as Bytes }];
    assert.equal(faultOf(reportWith({ images: shorter })), 'manifest-other-release');
    const older = { version: '1.0.0', releaseCounter: 1 as ReleaseCounter };
    const told = { ...older, components: reportWith().running.components };
    assert.equal(faultOf(reportWith(older, { running: told })), 'manifest-other-release');
  });
});

test('a claim may lack its manifest as the plan says, on the way back, and from a device that never signed one', () => {
  const isWayBack = false;
  assert.equal(mayLackManifest({ isWayBack, hasShownOne: false }), true);
  assert.equal(mayLackManifest({ isWayBack, hasShownOne: true }), false);
  assert.equal(mayLackManifest({ isWayBack: true, hasShownOne: true }), true);
  assert.equal(mayLackManifest({ needs: 'manifest', isWayBack: true, hasShownOne: false }), false);
  assert.equal(mayLackManifest({ needs: 'signature', isWayBack, hasShownOne: true }), true);
});

// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { signerFromSeed } from '@outrider/adapters/shared/ed25519';
import { checkOffer, type OfferCheck } from '@outrider/domain/device/check-offer';
import { checkPermit, isUsable } from '@outrider/domain/device/check-permit';
import { DEVICE_ERRORS, type DeviceErrorCode } from '@outrider/domain/device/errors';
import type { Offer } from '@outrider/domain/gateway/check-in';
import { PERMIT_TYPE, type PermitDocument } from '@outrider/domain/gateway/permit';
import type {
  Bytes,
  DeviceId,
  Epoch,
  PermitId,
  ReleaseCounter,
  ReleaseId,
  RolloutId,
} from '@outrider/domain/kernel/ids';
import { fleetInstant, HOUR_MS, hours } from '@outrider/domain/kernel/time';
import type { ReleaseManifest } from '@outrider/domain/release/release';
import { encodePermitDocument, parsePermitDocument } from '@outrider/protocol/gateway/permit';
import { encodeManifest, parseManifest } from '@outrider/protocol/release/manifest';
import { deviceLab, LAB_DEVICE_TYPE, LAB_HARDWARE_ID, type LabRelease } from '@outrider/testkit/device-lab';

const lab = await deviceLab([{ main: randomBytes(3_000) }, { main: randomBytes(4_000) }]);
const [first, second] = lab.releases as readonly [LabRelease, LabRelease];
const seen = new Set<string>();

test('a signed release for this device becomes a plan with exactly the signed images', () => {
  const plan = checkOffer(offer(), check());
  assert(plan.ok);
  assert.deepEqual(plan.value.content, second.content);
  assert.deepEqual(plan.value.parts[0]?.image, second.manifest.components[0]?.image);
});

test('a rollback means the twin that was signed with the release, whatever its conditions', () => {
  const twin = second.manifest.rollbackTwin;
  const plan = checkOffer(rollback(), check({ running: second.content }));
  assert(plan.ok && twin !== undefined);
  assert.equal(plan.value.content.releaseCounter, twin.releaseCounter);
  assert.equal(plan.value.content.version, '1.0.0');
});

test('arbitrary software: a release that too few groups signed is refused', () => {
  const [build] = lab.releaseSigners;
  assert(build !== undefined);
  const stranger = signerFromSeed(new Uint8Array(32).fill(9));
  refused('release-unsigned', { release: lab.sign(second.envelope, [build]) });
  refused('release-unsigned', { release: lab.sign(second.envelope, [build, build]) });
  refused('release-unsigned', { release: lab.sign(second.envelope, [build, stranger]) });
  refused('release-unsigned', { release: { ...second.envelope, payload: `${second.envelope.payload} ` } });
});

test('a signed document of another kind, or one that is no manifest, is refused', () => {
  const otherKind = { ...second.envelope, payloadType: PERMIT_TYPE };
  refused('release-type-wrong', { release: lab.sign(otherKind, lab.releaseSigners) });
  refused('release-malformed', { release: lab.sign({ ...second.envelope, payload: '{}' }, lab.releaseSigners) });
});

test('mix and match: an offer that names another release than the one signed is refused', () => {
  refused('release-differs', { releaseId: 'camera-9' as ReleaseId });
  refused('release-differs', { isRollback: true });
  refused('release-differs', { ...rollback(), release: first.envelope, releaseId: first.manifest.releaseId });
});

test('wrong software: another model, another hardware revision, are refused', () => {
  refused('device-type-mismatch', { release: resigned({ deviceType: 'truck' }) });
  refused('hardware-mismatch', {}, { hardwareId: 'rev-z' });
});

test('rollback attack: what is older, or runs already, or failed here, is refused', () => {
  refused('counter-too-low', {}, { running: { ...first.content, releaseCounter: 9 as ReleaseCounter } });
  refused('already-running', {}, { running: { ...first.content, releaseCounter: 3 as ReleaseCounter } });
  refused('release-reverted-here', {}, { revertedCounters: [3 as ReleaseCounter] });
});

test('no device jumps over a floor, or lacks what a release depends on', () => {
  refused('below-floor', { release: resigned({ floorVersion: '1.0.1' }) });
  refused('dependency-missing', {
    release: resigned({ dependencies: [{ component: 'modem', versionAtLeast: '2.0.0' }] }),
  });
});

test('endless data and partial bundles: artifacts must be one for each component and promise the signed bytes', () => {
  const [part] = offer().artifacts;
  const image = second.manifest.components[0]?.image;
  assert(part !== undefined && image !== undefined);
  const full = { kind: 'full', digest: image.digest, bytes: image.bytes } as const;
  const [delta] = lab.deltas;
  assert(delta !== undefined);
  const cases: readonly Offer['artifacts'][] = [
    [],
    [part, part],
    [{ ...part, component: 'other' }],
    [{ ...part, artifact: { ...full, bytes: (image.bytes + 1) as Bytes } }],
    [{ ...part, artifact: { ...full, digest: image.blocksDigest } }],
    [{ ...part, artifact: { kind: 'delta', delta: { ...delta, bytes: 1 as Bytes, fromDigest: image.digest } } }],
    [{ ...part, artifact: { kind: 'delta', delta: { ...delta, bytes: 1 as Bytes, toDigest: image.blocksDigest } } }],
    [{ ...part, artifact: { kind: 'delta', delta: { ...delta, bytes: 1_000_000 as Bytes } } }],
  ];
  for (const artifacts of cases) refused('artifact-mismatch', { artifacts });
});

test('a permit holds for its device, rollout, release and counter, and for its life', () => {
  const held = permitCheck({});
  assert(held.ok);
  const where = (hour: number) => ({ deviceId, now: fleetInstant(askedAt + hour * HOUR_MS) });
  assert.equal(isUsable(held.value, plan(), where(0)), true);
  assert.equal(isUsable(held.value, plan(), where(0.99)), true);
  assert.equal(isUsable(held.value, plan(), where(1)), false);
  // A clock that went back to 1970 ends it.
  assert.equal(isUsable(held.value, plan(), { deviceId, now: fleetInstant(0) }), false);
});

test('a permit that was forged, or given to another, is refused', () => {
  const cases: readonly (readonly [DeviceErrorCode, Parameters<typeof permitCheck>[0]])[] = [
    ['permit-unsigned', { signers: lab.releaseSigners }],
    ['permit-type-wrong', { payloadType: second.envelope.payloadType }],
    ['permit-malformed', { payload: '{}' }],
    ['permit-for-another', { document: { deviceId: 'camera-8' as DeviceId } }],
    ['permit-for-another', { document: { rolloutId: 'other' as RolloutId } }],
    ['permit-for-another', { document: { releaseId: first.manifest.releaseId } }],
    ['permit-for-another', { document: { releaseCounter: 99 as ReleaseCounter } }],
  ];
  for (const [code, change] of cases) {
    const result = permitCheck(change);
    assert.equal(!result.ok && result.error.code, code);
    seen.add(code);
  }
});

test('every reason to refuse has been shown', () => {
  assert.deepEqual([...seen].sort(), Object.keys(DEVICE_ERRORS).sort());
});

const deviceId = 'camera-7' as DeviceId;
const askedAt = 1_000_000_000_000;

function offer(change: Partial<Offer> = {}): Offer {
  const image = second.manifest.components[0]?.image;
  assert(image !== undefined);
  return {
    kind: 'offer',
    rolloutId: 'r' as RolloutId,
    releaseId: second.manifest.releaseId,
    epoch: 1 as Epoch,
    release: second.envelope,
    isRollback: false,
    artifacts: [{ component: 'main', artifact: { kind: 'full', digest: image.digest, bytes: image.bytes } }],
    pollAfterMs: hours(1),
    ...change,
  };
}

function rollback(): Offer {
  const twin = second.manifest.rollbackTwin;
  const image = twin?.components[0]?.image;
  assert(twin !== undefined && image !== undefined);
  const artifact = { kind: 'full', digest: image.digest, bytes: image.bytes } as const;
  return offer({ isRollback: true, releaseId: twin.releaseId, artifacts: [{ component: 'main', artifact }] });
}

function resigned(change: Partial<ReleaseManifest>) {
  const payload = encodeManifest({ ...second.manifest, ...change });
  return lab.sign({ ...second.envelope, payload }, lab.releaseSigners);
}

function check(change: Partial<OfferCheck> = {}): OfferCheck {
  return {
    anchors: lab.anchors,
    verifier: lab.verifier,
    parse: parseManifest,
    deviceType: LAB_DEVICE_TYPE,
    hardwareId: LAB_HARDWARE_ID,
    running: first.content,
    revertedCounters: [],
    ...change,
  };
}

function refused(code: DeviceErrorCode, offered: Partial<Offer>, checked: Partial<OfferCheck> = {}): void {
  const result = checkOffer(offer(offered), check(checked));
  assert.equal(result.ok ? 'accepted' : result.error.code, code);
  seen.add(code);
}

function plan() {
  const result = checkOffer(offer(), check());
  assert(result.ok);
  return result.value;
}

function permitCheck(change: {
  readonly document?: Partial<PermitDocument>;
  readonly payload?: string;
  readonly payloadType?: string;
  readonly signers?: typeof lab.releaseSigners;
}) {
  const document: PermitDocument = {
    schema: 1,
    permitId: 'p' as PermitId,
    deviceId,
    rolloutId: 'r' as RolloutId,
    releaseId: second.manifest.releaseId,
    releaseCounter: second.manifest.releaseCounter,
    epoch: 1 as Epoch,
    grantedAt: fleetInstant(0),
    lifeMs: HOUR_MS,
    ...change.document,
  };
  const payload = change.payload ?? encodePermitDocument(document);
  const envelope = lab.sign(
    { payloadType: change.payloadType ?? PERMIT_TYPE, payload },
    change.signers ?? [lab.permitSigner],
  );
  return checkPermit(envelope, {
    anchors: lab.anchors,
    verifier: lab.verifier,
    parse: parsePermitDocument,
    deviceId,
    plan: plan(),
    askedAt: fleetInstant(askedAt),
  });
}

// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { digestText } from '@outrider/adapters/shared/digest';
import { signerFromSeed } from '@outrider/adapters/shared/ed25519';
import { checkOffer, type OfferCheck } from '@outrider/domain/device/check-offer';
import { checkPermit, isUsable } from '@outrider/domain/device/check-permit';
import { DEVICE_ERRORS, type DeviceErrorCode } from '@outrider/domain/device/errors';
import type { UpdatePlan } from '@outrider/domain/device/state';
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
  Sha256,
} from '@outrider/domain/kernel/ids';
import { fleetInstant, HOUR_MS, hours } from '@outrider/domain/kernel/time';
import type { CharterDocument, CharterWave } from '@outrider/domain/policy/charter';
import { placeOf } from '@outrider/domain/policy/charter-place';
import type { ReleaseManifest } from '@outrider/domain/release/release';
import { encodePermitDocument, parsePermitDocument } from '@outrider/protocol/gateway/permit';
import { parseCharter, parseWaveOpening } from '@outrider/protocol/policy/charter';
import { encodeManifest, parseManifest } from '@outrider/protocol/release/manifest';
import { deviceLab, LAB_DEVICE_TYPE, LAB_HARDWARE_ID, type LabRelease } from '@outrider/testkit/device-lab';
import { charterFor } from '@outrider/testkit/lab-charter';

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

test('a counter other than the one that both repositories vouch for is refused, though the manifest is theirs', () => {
  const vouched = { releaseCounter: 9 as ReleaseCounter, hardwareIds: [LAB_HARDWARE_ID] };
  refused('repository-refused', {}, { vouched });
});

test('what lies below a floor that the device has confirmed is refused, and the way back to such bytes', () => {
  refused('below-security-floor', {}, { floors: { security: 9 as ReleaseCounter } });
  refused('below-migration-floor', rollback(), { floors: { migration: 2 as ReleaseCounter } });
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
    ['permit-replayed', { document: { sequence: 17 } }],
  ];
  for (const [code, change] of cases) {
    const result = permitCheck(change);
    assert.equal(!result.ok && result.error.code, code);
    seen.add(code);
  }
});

describe('a charter', () => {
  const chartered = (change: Partial<CharterDocument> = {}, opened: readonly number[] = []) =>
    lab.charter(charterFor(second, change), opened);

  test('that the pinned approvers signed lets the device take the offer, and is asked for where they are pinned', () => {
    const taken = checkOffer(offer({ charter: chartered() }), pinned());
    assert(taken.ok);
    assert.deepEqual(
      taken.value.charter?.waves.map(({ isMine, isSigned }) => [isMine, isSigned]),
      [
        [true, true],
        [true, false],
      ],
    );
    refused('charter-missing', {}, pinned());
    assert.equal(checkOffer(offer(), check()).ok, true, 'nothing is asked for where nobody is pinned');
  });

  test('changed after it was signed, or signed by too few, is refused', () => {
    const good = chartered();
    const altered = { ...good.document, payload: good.document.payload.replace('"groups":2', '"groups":1') };
    refused('charter-unsigned', { charter: { ...good, document: altered } }, pinned());
    const [one] = lab.approverSigners;
    assert(one !== undefined);
    const byOne = { ...good, document: lab.sign(good.document, [one, one]) };
    refused('charter-unsigned', { charter: byOne }, pinned());
    const byRelease = { ...good, document: lab.sign(good.document, lab.releaseSigners) };
    refused('charter-unsigned', { charter: byRelease }, pinned());
    refused('charter-unsigned', { charter: chartered({ groups: 3 }) }, pinned());
    const otherKind = lab.sign({ ...good.document, payloadType: PERMIT_TYPE }, lab.approverSigners);
    refused('charter-type-wrong', { charter: { ...good, document: otherKind } }, pinned());
    const noCharter = lab.sign({ ...good.document, payload: '{}' }, lab.approverSigners);
    refused('charter-malformed', { charter: { ...good, document: noCharter } }, pinned());
    refused('charter-malformed', { charter: chartered({ expiresAt: fleetInstant(0) }) }, pinned());
  });

  test('for another release, rollout, type of device or audience is refused', () => {
    refused('charter-for-another', { charter: lab.charter(charterFor(first), []) }, pinned());
    refused('charter-for-another', { charter: chartered(), rolloutId: 'other' as RolloutId }, pinned());
    const { plan: signedPlan } = charterFor(second);
    const trucks = { plan: { ...signedPlan, deviceType: 'truck' } };
    refused('charter-for-another', { charter: chartered(trucks) }, pinned());
    const others = { plan: { ...signedPlan, audience: { kind: 'device' as const, in: ['camera-8'] } } };
    refused('charter-audience', { charter: chartered(others) }, pinned());
  });

  test('does not reach a device beyond its thresholds, whatever else the server says', () => {
    const [near, far] = charterFor(second).waves as readonly [CharterWave, CharterWave];
    const place = placeOf(charterFor(second).plan.salt, deviceId);
    const tight = {
      waves: [
        { ...near, threshold: 0 },
        { ...far, threshold: place },
      ],
    };
    refused('charter-place', { charter: chartered(tight, [1]) }, pinned());
    const enough = {
      waves: [
        { ...near, threshold: 0 },
        { ...far, threshold: place + 1 },
      ],
    };
    assert.equal(checkOffer(offer({ charter: chartered(enough, [1]) }), pinned()).ok, true);
    const shut = { waves: [{ ...near, threshold: 0 }, far] };
    refused('charter-wave-unsigned', { charter: chartered(shut) }, pinned());
    const ringed = {
      waves: [
        { ...near, threshold: 0, ringDevices: [deviceId] },
        { ...far, threshold: place },
      ],
    };
    assert.equal(checkOffer(offer({ charter: chartered(ringed) }), pinned()).ok, true);
  });

  test('ends with its expiry, by the clock or by the floor of a device in 1970; the way back does not', () => {
    const late = fleetInstant(charterFor(second).expiresAt);
    refused('charter-expired', { charter: chartered() }, pinned({ now: late }));
    const woken = checkOffer(offer({ charter: chartered() }), pinned({ now: fleetInstant(0) }));
    assert.equal(woken.ok, true, 'a device in 1970 takes what was issued later');
    const back = { ...rollback(), charter: chartered() };
    assert.equal(checkOffer(back, { ...pinned({ now: late }), running: second.content }).ok, true);
    refused('rollback-not-needed', back, pinned());
  });

  test('binds the permit: to itself, to a wave that reaches the device, and to its first instant', () => {
    const held = {
      waves: [
        wave(0),
        wave(1, { isSigned: false }),
        wave(2, { isMine: false }),
        wave(3, { notBefore: askedAt + HOUR_MS }),
      ],
    };
    const cases: readonly (readonly [DeviceErrorCode | 'accepted', PermitDocument['charter'], number?])[] = [
      ['accepted', { sha256, waveIndex: 0 }],
      ['charter-permit-differs', undefined],
      ['charter-permit-differs', { sha256: second.manifest.components[0]?.image.digest as Sha256, waveIndex: 0 }],
      ['charter-permit-differs', { sha256, waveIndex: 9 }],
      ['charter-permit-differs', { sha256 }],
      ['charter-wave-unsigned', { sha256, waveIndex: 1 }],
      ['charter-place', { sha256, waveIndex: 2 }],
      ['charter-wave-early', { sha256, waveIndex: 3 }],
      // A stolen permit key signs a later time too, and is not believed.
      ['charter-wave-early', { sha256, waveIndex: 3 }, askedAt + 2 * HOUR_MS],
      ['charter-expired', { sha256, waveIndex: 0 }],
    ];
    for (const [code, named, grantedAt = askedAt] of cases) {
      const expiresAt = code === 'charter-expired' ? askedAt : askedAt + 90 * HOUR_MS;
      const charter = { sha256, issuedAt: fleetInstant(askedAt), expiresAt: fleetInstant(expiresAt), ...held };
      const document = {
        sequence: 18,
        grantedAt: fleetInstant(grantedAt),
        ...(named === undefined ? {} : { charter: named }),
      };
      const result = permitCheck({ document, plan: { charter } });
      assert.equal(result.ok ? 'accepted' : result.error.code, code);
      if (!result.ok) seen.add(result.error.code);
    }
  });

  test('holds on a device that wakes in 1970: waves by the floor, and by what online keys say from there', () => {
    const waves = [wave(0, { notBefore: askedAt + HOUR_MS })];
    const charter = { sha256, issuedAt: fleetInstant(askedAt), expiresAt: fleetInstant(askedAt + 90 * HOUR_MS), waves };
    const permit = (grantedAt: number, timeFloor: number) =>
      permitCheck({
        document: { sequence: 18, grantedAt: fleetInstant(grantedAt), charter: { sha256, waveIndex: 0 } },
        plan: { charter },
        askedAt: 60_000,
        timeFloor,
      });
    const early = permit(askedAt, askedAt);
    assert.equal(!early.ok && early.error.code, 'charter-wave-early');
    const later = permit(askedAt + HOUR_MS, askedAt);
    assert.equal(later.ok && later.value.timeFloor, askedAt + HOUR_MS);
  });

  const sha256 = 'a'.repeat(64) as Sha256;
  const wave = (_: number, change: { notBefore?: number; isSigned?: boolean; isMine?: boolean } = {}) => ({
    isSigned: true,
    isMine: true,
    ...change,
    notBefore: fleetInstant(change.notBefore ?? askedAt),
  });
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
    charter: { ...charterPorts(), now: fleetInstant(askedAt) },
    ...change,
  };
}

/** With approvers pinned, on a device that is sure of its time. */
function pinned({ now = fleetInstant(askedAt) } = {}): OfferCheck {
  return check({
    anchors: { ...lab.anchors, approverRole: lab.approverRole },
    charter: { ...charterPorts(), now },
  });
}

function charterPorts(): Omit<OfferCheck['charter'], 'now'> {
  const facts = { deviceId, hardwareId: LAB_HARDWARE_ID, version: first.content.version };
  return { digestText, parseCharter, parseOpening: parseWaveOpening, facts };
}

function refused(code: DeviceErrorCode, offered: Partial<Offer>, checked: Partial<OfferCheck> = {}): void {
  const result = checkOffer(
    offer(offered),
    check({ ...checked, ...(offered.isRollback && checked.anchors === undefined ? { running: second.content } : {}) }),
  );
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
  readonly plan?: Partial<UpdatePlan>;
  readonly askedAt?: number;
  readonly timeFloor?: number;
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
    plan: { ...plan(), ...change.plan },
    askedAt: fleetInstant(change.askedAt ?? askedAt),
    sequence: 18,
    timeFloor: fleetInstant(change.timeFloor ?? 0),
  });
}

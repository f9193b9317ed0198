// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { promisify } from 'node:util';
import { digestText } from '@outrider/adapters/shared/digest';
import { createVerifier } from '@outrider/adapters/shared/ed25519';
import { checkCharter } from '@outrider/domain/device/check-charter';
import { answerCheckIn } from '@outrider/domain/gateway/answer-check-in';
import type { CheckIn, CheckInAnswer, Offer } from '@outrider/domain/gateway/check-in';
import { compileSnapshot } from '@outrider/domain/gateway/compile-snapshot';
import type { PolicySnapshot } from '@outrider/domain/gateway/snapshot';
import { assert } from '@outrider/domain/kernel/assert';
import { fleetInstant } from '@outrider/domain/kernel/time';
import type { CharterStanding, SignedCharter } from '@outrider/domain/policy/charter';
import { verifyCharter } from '@outrider/domain/policy/verify-charter';
import { RELEASE_MANIFEST_TYPE } from '@outrider/domain/release/release';
import type { SignatureVerifier } from '@outrider/domain/trust/ports';
import { encodeCheckInAnswer } from '@outrider/protocol/gateway/check-in';
import { parseCharter, parseWaveOpening } from '@outrider/protocol/policy/charter';
import { encodeManifest } from '@outrider/protocol/release/manifest';
import { type DeviceLab, deviceLab } from '@outrider/testkit/device-lab';
import { charterFor } from '@outrider/testkit/lab-charter';
import { aDevice, aManifest, anExposure, aPlan, aPolicy, NOW } from '@outrider/testkit/small-fleet';
import type { Figure, MeasureOptions } from './figures.ts';

export const name = 'trust';

/** Seven rounds, each of all measurements in turn, so that a busy machine is busy for all of them alike. */
const ROUNDS = 7;
const SIGNATURES = 2_000;
const CHECK_INS = 4_000;

/** What signatures cost: how many a second, and what a charter adds to a check-in that brings an offer and to one that does not. */
export async function run({ log }: MeasureOptions): Promise<readonly Figure[]> {
  const lab = await deviceLab([{ main: new Uint8Array(3_000) }, { main: new Uint8Array(4_000).fill(1) }]);
  const world = chartered(lab);
  const rounds = Array.from({ length: ROUNDS }, (_, index) => {
    log(`round ${index + 1} of ${ROUNDS}`);
    return measureRound(lab, world);
  });
  const median = (of: (one: Round) => number) => sortedMiddle(rounds.map(of));
  const [ours, bare] = [median((one) => one.oursPerSecond), median((one) => one.barePerSecond)];
  const openssl = await opensslPerSecond();
  const added = (one: (round: Round) => number, other: (round: Round) => number) =>
    sortedMiddle(rounds.map((round) => one(round) - other(round)));
  const withOffer = added(
    (one) => one.offerChartered,
    (one) => one.offerBare,
  );
  const without = added(
    (one) => one.refusalChartered,
    (one) => one.refusalBare,
  );
  const { checked } = world;
  return [
    {
      figure: 'verifications of a text of 3 KB a second, one core',
      ...{ value: Math.round(ours), unit: '1/s', peer: `node:crypto alone ${Math.round(bare)}`, ratio: ours / bare },
      ...{ goal: '>= 0.7 x node:crypto alone', holds: ours >= 0.7 * bare },
    },
    ...(openssl === undefined
      ? []
      : [
          {
            figure: 'the same against `openssl speed`, which verifies 64 bytes',
            ...{ value: Math.round(ours), unit: '1/s', peer: `openssl ${Math.round(openssl)}`, ratio: ours / openssl },
            ...{ goal: 'shown', holds: true },
          },
        ]),
    {
      figure: 'charters checked a second by a device: two signatures, and two of each opening',
      ...{ value: Math.round(median((one) => one.chartersPerSecond)), unit: '1/s' },
      ...{ goal: '>= 200 1/s', holds: median((one) => one.chartersPerSecond) >= 200 },
    },
    row('CPU that a charter adds at the gateway to a check-in with an offer', withOffer, 100),
    row('CPU that a charter adds at the gateway to a check-in without an offer', without, 25),
    {
      figure: 'signatures checked or made for a check-in without an offer, after the policy was read',
      ...{ value: checked.withoutOffer, unit: 'signatures', goal: '0', holds: checked.withoutOffer === 0 },
    },
    {
      figure: 'bytes that a charter adds to an offer',
      ...{ value: world.bytesAdded, unit: 'bytes', goal: '<= 16384 bytes', holds: world.bytesAdded <= 16_384 },
    },
  ];
}

interface Round {
  readonly oursPerSecond: number;
  readonly barePerSecond: number;
  readonly chartersPerSecond: number;
  /** Microseconds of a check-in. */
  readonly offerChartered: number;
  readonly offerBare: number;
  readonly refusalChartered: number;
  readonly refusalBare: number;
}

interface World {
  readonly signed: SignedCharter;
  readonly offer: Offer;
  readonly chartered: PolicySnapshot;
  readonly bare: PolicySnapshot;
  readonly charteredShut: PolicySnapshot;
  readonly bareShut: PolicySnapshot;
  readonly bytesAdded: number;
  readonly checked: { withoutOffer: number };
}

/** One rollout with and without a charter, in a wave that has come and in one that has not. */
function chartered(lab: DeviceLab): World {
  const manifest = aManifest();
  const envelope = lab.sign(
    { payloadType: RELEASE_MANIFEST_TYPE, payload: encodeManifest(manifest) },
    lab.releaseSigners,
  );
  const plan = aPlan();
  const template = charterFor({ manifest, envelope });
  const waves = plan.waves.map(({ name: wave }, index) => ({
    ...{ name: wave, ringDevices: [], notBefore: fleetInstant(index === 4 ? NOW - 1 : NOW - 2) },
    threshold: index === 0 ? 0 : 4_294_967_296,
  }));
  const document = {
    ...template,
    plan,
    waves,
    issuedAt: fleetInstant(NOW - 2),
    expiresAt: fleetInstant(NOW + 1_000_000),
  };
  const opened = waves.flatMap((_, index) => (index === 0 ? [] : [index]));
  const signed = lab.charter(document, opened);
  const counted = { withoutOffer: 0 };
  const verifier: SignatureVerifier = {
    verify(key, message, signature) {
      counted.withoutOffer++;
      return lab.verifier.verify(key, message, signature);
    },
  };
  const verified = verifyCharter(signed, checkBy(lab, verifier));
  assert(verified.ok, 'a charter that holds');
  const standing: CharterStanding = { kind: 'valid', charter: verified.value, signed };
  const event = (one: 'approve' | 'start') =>
    ({ kind: 'rollout-event', rolloutId: plan.rolloutId, event: one, reason: 'bench' }) as const;
  const policy = aPolicy([{ kind: 'rollout-created', plan }, event('approve'), event('start')]);
  const snapshot = (exposure: ReturnType<typeof anExposure>, charterOf?: () => CharterStanding) =>
    compileSnapshot({
      ...{ policy, releases: [{ manifest, envelope, publishedAt: NOW }], deltas: [], exposures: [exposure] },
      ...(charterOf === undefined ? {} : { charterOf }),
    });
  const open = anExposure();
  const shut = anExposure({ downloadsAllowed: 0 });
  const made = snapshot(open, () => standing);
  const answer = answerCheckIn(made, aDevice(), CHECK_IN, NOW);
  assert(answer.kind === 'offer', 'an offer under the charter');
  const bare = snapshot(open);
  const bareAnswer = answerCheckIn(bare, aDevice(), CHECK_IN, NOW);
  counted.withoutOffer = 0;
  const world = {
    ...{ signed, offer: answer, chartered: made, bare, checked: counted },
    ...{ charteredShut: snapshot(shut, () => standing), bareShut: snapshot(shut) },
    bytesAdded: encodeCheckInAnswer(answer).length - encodeCheckInAnswer(bareAnswer).length,
  };
  assert(answerCheckIn(world.charteredShut, aDevice(), CHECK_IN, NOW).kind === 'refusal', 'a refusal');
  return world;
}

const CHECK_IN: CheckIn = {
  deviceId: aDevice().record.deviceId,
  sequence: 2,
  running: aDevice().record.status.running,
  state: 'idle',
};

function checkBy(lab: DeviceLab, verifier: SignatureVerifier) {
  return { role: lab.approverRole, verifier, digestText, parseCharter, parseOpening: parseWaveOpening };
}

function measureRound(lab: DeviceLab, world: World): Round {
  const [signer] = lab.approverSigners;
  assert(signer !== undefined, 'an approver');
  const text = 'x'.repeat(3_000);
  const { signature } = signer.sign(text);
  const verifier = createVerifier();
  const ours = perSecond(SIGNATURES, () => assert(verifier.verify(signer.publicKey, text, signature), 'a signature'));
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const bytes = Buffer.from(text);
  const made = sign(null, bytes, privateKey);
  const bare = perSecond(SIGNATURES, () => assert(verify(null, bytes, publicKey, made), 'a signature'));
  const facts = { deviceId: CHECK_IN.deviceId, hardwareId: 'rev-a', model: 'm1', version: '1.0.0' };
  const check = { ...checkBy(lab, createVerifier()), facts, deviceType: 'camera', now: NOW };
  const charters = perSecond(SIGNATURES / 10, () =>
    assert(checkCharter(world.offer, check).ok, 'a charter that holds'),
  );
  return {
    ...{ oursPerSecond: ours, barePerSecond: bare, chartersPerSecond: charters },
    offerBare: microsOf(world.bare),
    offerChartered: microsOf(world.chartered),
    refusalBare: microsOf(world.bareShut),
    refusalChartered: microsOf(world.charteredShut),
  };
}

/** CPU of one answer with its text, in microseconds. */
function microsOf(snapshot: PolicySnapshot): number {
  const device = aDevice();
  let bytes = 0;
  const answer = (): CheckInAnswer => answerCheckIn(snapshot, device, CHECK_IN, NOW);
  for (let index = 0; index < CHECK_INS / 10; index++) bytes += encodeCheckInAnswer(answer()).length;
  const before = process.cpuUsage();
  for (let index = 0; index < CHECK_INS; index++) bytes += encodeCheckInAnswer(answer()).length;
  const { user, system } = process.cpuUsage(before);
  assert(bytes > 0, 'answers with a text');
  return (user + system) / CHECK_INS;
}

function perSecond(count: number, work: () => void): number {
  for (let index = 0; index < count / 10; index++) work();
  const before = process.cpuUsage();
  for (let index = 0; index < count; index++) work();
  const { user, system } = process.cpuUsage(before);
  return (count * 1e6) / (user + system);
}

function row(figure: string, value: number, mostMicros: number): Figure {
  return { figure, value, unit: 'us', goal: `<= ${mostMicros} us`, holds: value <= mostMicros };
}

function sortedMiddle(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** What OpenSSL says of this machine; absent where its command is not installed. */
async function opensslPerSecond(): Promise<number | undefined> {
  try {
    const { stdout } = await promisify(execFile)('openssl', ['speed', '-seconds', '1', 'ed25519'], { timeout: 30_000 });
    const found = /^.*Ed25519.*?([\d.]+)\s*$/m.exec(stdout)?.[1];
    return found === undefined ? undefined : Number(found);
  } catch {
    return undefined;
  }
}

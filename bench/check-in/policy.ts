// SPDX-License-Identifier: Apache-2.0
import { digestText } from '@outrider/adapters/shared/digest';
import { signerFromSeed } from '@outrider/adapters/shared/ed25519';
import { BLOCK_BYTES, listBlocks } from '@outrider/delta/block-list';
import type { ReleaseCounter, ReleaseId, RolloutId } from '@outrider/domain/kernel/ids';
import { hours } from '@outrider/domain/kernel/time';
import type { Audience } from '@outrider/domain/policy/audience';
import { defaultGates, defaultWaves } from '@outrider/domain/policy/default-plan';
import type { RolloutPlan, Wave } from '@outrider/domain/policy/rollout';
import { RELEASE_MANIFEST_TYPE, type ReleaseManifest } from '@outrider/domain/release/release';
import { type Envelope, preAuthenticationEncoding } from '@outrider/domain/trust/envelope';
import { encodeManifest } from '@outrider/protocol/release/manifest';
import { encodeSigningRole } from '@outrider/protocol/trust/anchors';
import { encodeEnvelope } from '@outrider/protocol/trust/envelope';

/** The management API of a server that runs: what people do with the command line. */
export interface ControlPlane {
  readonly url: string;
  readonly token: string;
}

/** The types of the fleet's devices: nine in ten are cameras. */
export const DEVICE_TYPES = ['camera', 'gateway'] as const;
export type DeviceType = (typeof DEVICE_TYPES)[number];

const HARDWARE_IDS = ['rev-a', 'rev-b', 'rev-c', 'rev-d'];
const SIGNERS = [signerOf('build'), signerOf('release-engineering')] as const;
const IMAGE_BYTES = 3_000;

/** Who must sign the releases of the measurement: what the server is started with. */
export function releaseRole(): string {
  const groups = SIGNERS.map((signer, index) => ({ name: `group-${index}`, keys: [signer.publicKey] }));
  return encodeSigningRole({ threshold: SIGNERS.length, groups });
}

/** Publishes the `number`-th release of a device type. */
export async function publish(server: ControlPlane, deviceType: DeviceType, number: number): Promise<ReleaseManifest> {
  const bytes = new Uint8Array(IMAGE_BYTES).fill(number);
  const { image, blocks } = await listBlocks([bytes], BLOCK_BYTES);
  await call(server, 'PUT', `/blobs/${image.digest}`, bytes);
  await call(server, 'PUT', `/blobs/${image.blocksDigest}`, new Uint8Array(blocks));
  const version = `3.${number}.0`;
  const manifest: ReleaseManifest = {
    schema: 1,
    deviceType,
    version,
    // A parsed id and a counter: made here as the command line makes them.
    releaseId: `${deviceType}-${version}` as ReleaseId,
    releaseCounter: (100 + number) as ReleaseCounter,
    components: [{ name: 'main', hardwareIds: HARDWARE_IDS, image }],
    dependencies: [],
    notes: '',
  };
  await call(server, 'POST', '/releases', encodeEnvelope(signed(manifest)));
  return manifest;
}

/** Creates, approves and starts a rollout of the release. */
export async function startRollout(
  server: ControlPlane,
  { releaseId, deviceType }: ReleaseManifest,
  plan: { readonly audience: Audience; readonly waves?: readonly Wave[]; readonly name?: string },
): Promise<RolloutId> {
  const rolloutId = `${plan.name ?? 'rollout'}-${releaseId}` as RolloutId;
  const whole: RolloutPlan = {
    ...{ rolloutId, deviceType, releaseId, audience: plan.audience, salt: `salt-of-${rolloutId}` },
    ...{ segmentBy: 'hardwareId', waves: plan.waves ?? defaultWaves(), gates: defaultGates() },
    ...{ onSegmentHalt: 'halt-rollout', onHalt: 'stay', permitLifeMs: hours(1) },
  };
  await call(server, 'POST', '/rollouts', JSON.stringify({ plan: whole }));
  for (const event of ['approve', 'start']) {
    await call(server, 'POST', `/rollouts/${rolloutId}/events`, JSON.stringify({ event, reason: 'as planned' }));
  }
  return rolloutId;
}

/** Ends a rollout, so that the next of its device type may follow. */
export async function cancelRollout(server: ControlPlane, rolloutId: RolloutId): Promise<void> {
  await call(server, 'POST', `/rollouts/${rolloutId}/events`, JSON.stringify({ event: 'cancel', reason: 'measured' }));
}

async function call(
  { url, token }: ControlPlane,
  method: 'PUT' | 'POST',
  path: string,
  body: string | Uint8Array<ArrayBuffer>,
): Promise<void> {
  const type = typeof body === 'string' ? 'application/json' : 'application/octet-stream';
  const headers = { authorization: `Bearer ${token}`, 'content-type': type };
  const answer = await fetch(`${url}/api/v1${path}`, { method, headers, body });
  if (!answer.ok) throw new Error(`${method} ${path} was answered with ${answer.status}: ${await answer.text()}`);
  await answer.arrayBuffer();
}

function signed(manifest: ReleaseManifest): Envelope {
  const payload = encodeManifest(manifest);
  const message = preAuthenticationEncoding(RELEASE_MANIFEST_TYPE, payload);
  return { payloadType: RELEASE_MANIFEST_TYPE, payload, signatures: SIGNERS.map((signer) => signer.sign(message)) };
}

function signerOf(name: string) {
  return signerFromSeed(Buffer.from(digestText(name), 'hex'));
}

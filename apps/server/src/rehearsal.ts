// SPDX-License-Identifier: Apache-2.0
import { steppedClock } from '@outrider/adapters/shared/clock';
import { afterThisRound } from '@outrider/adapters/shared/delay';
import { digestText } from '@outrider/adapters/shared/digest';
import { createVerifier, signerFromSeed } from '@outrider/adapters/shared/ed25519';
import { BLOCK_BYTES, listBlocks } from '@outrider/delta/block-list';
import type { ServerStore } from '@outrider/domain/decision/server-store';
import type { BlobStore } from '@outrider/domain/gateway/ports';
import { assert } from '@outrider/domain/kernel/assert';
import type { ReleaseCounter, ReleaseId, RolloutId } from '@outrider/domain/kernel/ids';
import { prng } from '@outrider/domain/kernel/prng';
import { type FleetInstant, fleetInstant, hours, machineInstant, minutes } from '@outrider/domain/kernel/time';
import { defaultGates, defaultWaves } from '@outrider/domain/policy/default-plan';
import type { RolloutPlan } from '@outrider/domain/policy/rollout';
import { type Component, RELEASE_MANIFEST_TYPE, type ReleaseManifest } from '@outrider/domain/release/release';
import { type Envelope, preAuthenticationEncoding } from '@outrider/domain/trust/envelope';
import type { Signer } from '@outrider/domain/trust/ports';
import { charterSignedBy } from '@outrider/protocol/policy/sign-charter';
import { encodeManifest } from '@outrider/protocol/release/manifest';
import { composeServer, type Server } from './compose.ts';
import type { Log, LogFields, Schedule, ServerPorts } from './ports.ts';

/** A whole server on the given store, with fleet time in hand: for tests of what an operator sees. */
export interface Rehearsal {
  readonly server: Server;
  readonly ports: ServerPorts;
  readonly now: () => FleetInstant;
  /** Moves fleet time by ten minutes and lets the server count and decide. */
  step(): Promise<void>;
  readonly logged: readonly LogFields[];
}

export const DEVICE_TYPE = 'camera';
export const HARDWARE_IDS = ['rev-a', 'rev-b', 'rev-c'] as const;
export const REGISTRATION_TOKEN = 'a-registration-token';

/** When rehearsals begin. */
const BEGIN = fleetInstant(1_800_000_000_000);

/** The two groups that sign releases in a rehearsal. */
export const BUILD = signerOf('build');
export const RELEASE_ENGINEERING = signerOf('release-engineering');

/** Work that is due later comes in the next turn of the event loop, however far away it is: a rehearsal waits for nothing. */
export const SOON: Schedule = {
  after(_delayMs, work) {
    let isCancelled = false;
    afterThisRound(() => {
      if (!isCancelled) work();
    });
    return () => {
      isCancelled = true;
    };
  },
};

export function signerOf(name: string): Signer {
  return signerFromSeed(Buffer.from(digestText(name), 'hex'));
}

export function rehearse(world: {
  readonly store: ServerStore;
  readonly blobs: BlobStore;
  readonly schedule: Schedule;
}): Rehearsal {
  const clock = steppedClock(BEGIN);
  const logged: LogFields[] = [];
  const keep = (fields: LogFields) => void logged.push(fields);
  const log: Log = { info: keep, warn: keep, error: keep };
  const ports: ServerPorts = {
    ...world,
    fleetClock: clock,
    conductor: clock,
    machineClock: { now: () => machineInstant(0) },
    permitSigner: signerOf('permit'),
    verifier: createVerifier(),
    digestText,
    loadReleaseRole: async () => ({
      threshold: 2,
      groups: [
        { name: 'build', keys: [BUILD.publicKey] },
        { name: 'release-engineering', keys: [RELEASE_ENGINEERING.publicKey] },
      ],
    }),
    registrationTokenDigest: digestText(REGISTRATION_TOKEN),
    log,
  };
  const server = composeServer(ports);
  return {
    server,
    ports,
    now: () => clock.now(),
    async step() {
      const stepped = await server.step(fleetInstant(clock.now() + minutes(10)));
      assert(stepped.ok, 'a step into the future');
    },
    logged,
  };
}

/** A release of the camera: 1.0.0 with counter 1, or a later one with the former as its way back. */
export async function manifestOf(server: Server, version: string, former?: ReleaseManifest): Promise<ReleaseManifest> {
  const releaseCounter = ((former?.rollbackTwin?.releaseCounter ?? former?.releaseCounter ?? 0) + 1) as ReleaseCounter;
  const components = [await componentOf(server, version)];
  const manifest = {
    schema: 1,
    deviceType: DEVICE_TYPE,
    version,
    releaseCounter,
    components,
    dependencies: [],
  } as const;
  const releaseId = `${DEVICE_TYPE}-${version}` as ReleaseId;
  if (former === undefined) return { ...manifest, releaseId, notes: '' };
  const rollbackTwin = {
    releaseId: `${releaseId}-back` as ReleaseId,
    version: former.version,
    releaseCounter: (releaseCounter + 1) as ReleaseCounter,
    components: former.components,
  };
  return { ...manifest, releaseId, notes: '', rollbackTwin };
}

/** Signs a release as these groups. */
export function signed(manifest: ReleaseManifest, signers: readonly Signer[] = [BUILD, RELEASE_ENGINEERING]): Envelope {
  const payload = encodeManifest(manifest);
  const message = preAuthenticationEncoding(RELEASE_MANIFEST_TYPE, payload);
  return { payloadType: RELEASE_MANIFEST_TYPE, payload, signatures: signers.map((signer) => signer.sign(message)) };
}

/** A plan by the book for the release, over all cameras, by hardware revision. */
export function planOf({ releaseId }: ReleaseManifest, overrides: Partial<RolloutPlan> = {}): RolloutPlan {
  return {
    rolloutId: `rollout-${releaseId}` as RolloutId,
    deviceType: DEVICE_TYPE,
    releaseId,
    audience: { kind: 'everyone' },
    salt: `salt-of-${releaseId}`,
    segmentBy: 'hardwareId',
    waves: defaultWaves(),
    gates: defaultGates(),
    onSegmentHalt: 'halt-rollout',
    onHalt: 'roll-back',
    permitLifeMs: hours(1),
    ...overrides,
  };
}

/** Creates, approves and starts a rollout. */
export async function startRollout(
  { policy }: Server,
  plan: RolloutPlan,
  approvers: readonly Signer[] = [],
): Promise<void> {
  const created = await policy.createRollout({ plan, author: 'ada' });
  assert(created.ok, `a rollout created, got ${JSON.stringify(created)}`);
  const { rolloutId } = plan;
  if (approvers.length > 0) {
    const shown = await policy.showCharter(rolloutId);
    assert(shown.ok && shown.value.draft !== undefined, `a draft of a charter, got ${JSON.stringify(shown)}`);
    const charter = charterSignedBy(shown.value.draft, approvers, { digestText });
    const submitted = await policy.submitCharter({ rolloutId, charter, reason: 'as planned', author: 'ada' });
    assert(submitted.ok, `a charter in force, got ${JSON.stringify(submitted)}`);
  }
  for (const event of ['approve', 'start'] as const) {
    const moved = await policy.changeRollout({ rolloutId, event, reason: 'as planned', author: 'ada' });
    assert(moved.ok, `a rollout that takes ${event}, got ${JSON.stringify(moved)}`);
  }
}

const IMAGE_BYTES = 3_000;

/** The image of a version: the same noise in all, and a little of its own, uploaded with its block list. */
async function componentOf({ releases }: Server, version: string): Promise<Component> {
  const shared = noise('shared', IMAGE_BYTES);
  const bytes = Buffer.concat([shared, noise(version, 100)]);
  const { image, blocks } = await listBlocks([bytes], BLOCK_BYTES);
  for (const [digest, content] of [
    [image.digest, bytes],
    [image.blocksDigest, blocks],
  ] as const) {
    const put = await releases.putBlob(digest, once(content));
    assert(put.ok, 'a blob that is stored');
  }
  return { name: 'main', hardwareIds: HARDWARE_IDS, image };
}

function noise(seed: string, byteCount: number): Uint8Array {
  const source = prng(seed);
  return Uint8Array.from({ length: byteCount }, () => Math.floor(source.next() * 256));
}

async function* once(content: Uint8Array): AsyncGenerator<Uint8Array> {
  yield content;
}

// SPDX-License-Identifier: Apache-2.0
import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestText } from '@outrider/adapters/shared/digest';
import { createFolder } from '@outrider/adapters/shared/files';
import type { Journal } from '@outrider/domain/device/state';
import type { Offer } from '@outrider/domain/gateway/check-in';
import type { PermitDocument } from '@outrider/domain/gateway/permit';
import { PERMIT_TYPE } from '@outrider/domain/gateway/permit';
import type { Report } from '@outrider/domain/gateway/report';
import { assert } from '@outrider/domain/kernel/assert';
import { canonicalJson, type Json } from '@outrider/domain/kernel/canonical-json';
import type { DeviceId, Epoch, PermitId, RolloutId } from '@outrider/domain/kernel/ids';
import { type FleetInstant, fleetInstant, HOUR_MS, hours, MINUTE_MS } from '@outrider/domain/kernel/time';
import { type CharterDocument, THRESHOLD_TENTH } from '@outrider/domain/policy/charter';
import { defaultGates, defaultWaves } from '@outrider/domain/policy/default-plan';
import type { RolloutPlan } from '@outrider/domain/policy/rollout';
import { RELEASE_MANIFEST_TYPE, type ReleaseManifest } from '@outrider/domain/release/release';
import { type Envelope, preAuthenticationEncoding } from '@outrider/domain/trust/envelope';
import type { Signer } from '@outrider/domain/trust/ports';
import { parseJournal } from '@outrider/protocol/device/journal';
import { encodePermitDocument } from '@outrider/protocol/gateway/permit';
import { parseCharter } from '@outrider/protocol/policy/charter';
import { charterSignedBy } from '@outrider/protocol/policy/sign-charter';
import { encodeManifest } from '@outrider/protocol/release/manifest';
import { type ProductVersion, startAgent } from '@outrider/simulator/compose';
import { type AskingDevice, askingFleet } from './asking-device.ts';
import { type Attack, AttackFailure, mustHold } from './attack.ts';
import type { Stage } from './stage.ts';
import { openWire, type Wire } from './wire.ts';

/**
 * A device type of its own with one real agent behind a wire, which left the factory with 1.0.0; 1.1.0 and 1.2.0 are published,
 * and 1.1.0 is rolled out under a charter.
 */
export interface Scene {
  readonly stage: Stage;
  readonly wire: Wire;
  readonly deviceType: string;
  readonly deviceId: DeviceId;
  readonly plan: RolloutPlan;
  readonly releases: readonly Published[];
  /** The device as a person at it sees it. */
  state(): { readonly version: string; readonly reason: string; readonly state: string };
  /** Moves fleet time and wakes the device until it rests. */
  wait(ms: number): Promise<void>;
  readonly fleet: readonly AskingDevice[];
  /** Somebody sets the device's clock. */
  setClock(to: 'right'): Promise<void>;
  now(): FleetInstant;
  /** The device asks at its next polls, and is still on 1.0.0; answers the reason it gives. */
  refusedFor(code: string): Promise<string>;
  /** Whoever was on the wire is gone: the device takes 1.1.0 after all, so that it was the attack that was refused. */
  recovers(): Promise<void>;
  /** What the device has told the server, or still holds. */
  told(): Promise<readonly Report[]>;
  journal(): Promise<Journal>;
  /** A permit as the stolen key signs it. */
  permitFor(offer: Offer, change: Partial<PermitDocument>, sequence: number): Envelope;
  /** Somebody copies the whole disk of the device into another one, which is awake with it from now on. */
  copyDevice(): Promise<void>;
  close(): Promise<void>;
}

export interface Published {
  readonly manifest: ReleaseManifest;
  readonly envelope: Envelope;
}

type SceneOptions = Omit<Attack, 'name' | 'play'>;

let scenes = 0;

/** Sets one up on the stage. */
export async function createScene(stage: Stage, options: SceneOptions = {}): Promise<Scene> {
  const number = ++scenes;
  const deviceType = `camera-${number}`;
  const deviceId = `${deviceType}-device` as DeviceId;
  const { management, installation } = stage;
  const products = stage.images.map(
    ({ image }, index): ProductVersion => ({
      ...{ deviceType, version: `1.${index}.0`, releaseCounter: 1 + 10 * index, image, notes: '' },
    }),
  );
  const releases: Published[] = [];
  for (const [index, product] of products.entries()) {
    const release = await installation.house.sign(product, products[index - 1], await stage.now());
    const image = stage.images[index];
    assert(image !== undefined, 'an image for each version');
    await management.publish(release, [image.source]);
    releases.push(release);
  }
  const wire = await openWire(installation.url);
  const dataFolder = join(stage.folder, deviceId);
  await createFolder(dataFolder);
  let now = await stage.now();
  let clock: 'right' | NonNullable<Attack['clock']> = options.clock ?? 'right';
  const began = now;
  /** What the device's own clock shows. */
  const shown = (): FleetInstant => {
    if (clock === '1970') return fleetInstant(now - began + MINUTE_MS);
    return clock === 'future' ? fleetInstant(now + CLOCK_AHEAD_MS) : now;
  };
  const [factory] = stage.images;
  assert(factory !== undefined, 'an image to leave the factory with');
  const ofDevice = {
    deviceId,
    attributes: {
      ...{ deviceType, hardwareId: 'rev-a', model: 'compact', region: 'eu', customer: 'own', carrier: 'lte' },
      tags: options.isOutsideRing === true ? [] : ['dogfood'],
    },
    serverUrl: wire.url,
    registrationToken: stage.tokens.registration,
    dataFolder,
    logPath: join(stage.folder, `${deviceId}.log`),
    factory: { imagePath: factory.path, version: '1.0.0', releaseCounter: 1 },
  };
  const device = startAgent(ofDevice);
  let copy: ReturnType<typeof startAgent> | undefined;
  await device.wakeDue(shown());
  const plan = planFor(deviceType, releases[1]?.manifest.releaseId ?? ('' as never), number, options.ringBakeHours);
  const fleet = await askingFleet({ ...stage, deviceType, releases }, options.fleet ?? 0);
  await management.createRollout(plan);
  await charter(stage, plan, options);
  await management.changeRollout(plan.rolloutId, 'start', 'an attack is played');

  const state = () => {
    const { activeVersion, reason, state: phase } = device.now();
    return { version: activeVersion, reason, state: phase };
  };
  async function wait(ms: number): Promise<void> {
    now = fleetInstant(Math.max(now + ms, await stage.now()));
    await stage.step(now);
    await device.wakeDue(shown());
    await copy?.wakeDue(shown());
  }
  async function journal(): Promise<Journal> {
    const parsed = parseJournal((await readFile(join(dataFolder, 'journal.json'), 'utf8')).trim());
    assert(parsed.ok, 'a journal that can be read');
    return parsed.value;
  }
  return {
    ...{ stage, wire, deviceType, deviceId, plan, releases, state, wait, journal },
    now: () => now,
    fleet,
    async setClock(to) {
      clock = to;
      await device.wakeNow(shown());
    },
    async refusedFor(code) {
      const seen = new Set<string>();
      for (let hour = 0; hour < PATIENCE_HOURS; hour++) {
        await wait(HOUR_MS);
        const { version, reason } = state();
        mustHold(version === '1.0.0', `The device runs ${version}`);
        if (reason.includes(code)) return reason;
        seen.add(reason);
      }
      const log = (await readFile(join(stage.folder, `${deviceId}.log`), 'utf8')).trim().split('\n').at(-1) ?? '';
      const said = [...seen].join(', ') || 'nothing';
      throw new AttackFailure(`The device should have refused by ${code}, it said ${said}; its log ends with ${log}`);
    },
    async recovers() {
      wire.letGo();
      for (let hour = 0; hour < 4 * PATIENCE_HOURS; hour++) {
        if (state().version === '1.1.0') return;
        await wait(HOUR_MS);
      }
      throw new AttackFailure(`The device never took the honest release after that: ${JSON.stringify(state())}`);
    },
    async told() {
      const sent = await management.reports(plan.rolloutId);
      return [...sent, ...(await journal()).reports].filter((one) => one.deviceId === deviceId);
    },
    permitFor(offer, change, sequence) {
      const manifest = releases.find((one) => one.manifest.releaseId === offer.releaseId)?.manifest;
      const document: PermitDocument = {
        ...{ schema: 1, permitId: 'f'.repeat(32) as PermitId, deviceId, rolloutId: offer.rolloutId },
        ...{ releaseId: offer.releaseId, releaseCounter: manifest?.releaseCounter ?? (0 as never) },
        ...{ epoch: 1 as Epoch, grantedAt: now, lifeMs: HOUR_MS, sequence },
        ...(offer.charter && { charter: { sha256: digestText(offer.charter.document.payload), waveIndex: 0 } }),
        ...change,
      };
      return sealed(PERMIT_TYPE, encodePermitDocument(document), [stage.permitSigner]);
    },
    async copyDevice() {
      const folder = `${dataFolder}-copy`;
      // The lock names a process: that of the device which was copied.
      await cp(dataFolder, folder, { recursive: true, filter: (path) => !path.endsWith('agent.lock') });
      copy = startAgent({ ...ofDevice, dataFolder: folder, logPath: join(stage.folder, `${deviceId}-copy.log`) });
    },
    async close() {
      await copy?.stop();
      await device.stop();
      wire.close();
    },
  };
}

/** Twenty years: past every charter. */
const CLOCK_AHEAD_MS = 20 * 365 * 24 * HOUR_MS;

/** Everything that needs a signature is signed, or only what goes up to a tenth. */
async function charter(stage: Stage, { rolloutId }: RolloutPlan, { isSignedTo }: SceneOptions): Promise<void> {
  const path = `/rollouts/${rolloutId}/charter`;
  const drawn = parseCharter(canonicalJson(((await stage.api('GET', path)) as { readonly draft: Json }).draft));
  assert(drawn.ok, 'a charter that was drawn up');
  const { waves } = drawn.value;
  const shares = [0, THRESHOLD_TENTH / 10, THRESHOLD_TENTH];
  const document: CharterDocument =
    isSignedTo === undefined
      ? drawn.value
      : {
          ...drawn.value,
          waves: waves.map((wave, index) => ({ ...wave, threshold: Math.floor(shares[index] ?? wave.threshold) })),
        };
  const signed = charterSignedBy(document, stage.approvers, {
    digestText,
    ...(isSignedTo === undefined ? {} : { waves: [] }),
  });
  await stage.api('POST', path, { charter: signed, reason: 'an attack is played' });
}

/** A device polls twice a day at the longest, and a refused one within minutes or hours. */
const PATIENCE_HOURS = 30;

function planFor(
  deviceType: string,
  releaseId: RolloutPlan['releaseId'],
  ...[number, ringBakeHours = 2]: [number, number?]
): RolloutPlan {
  return {
    rolloutId: `attack-${number}` as RolloutId,
    ...{ deviceType, releaseId, salt: `salt-of-attack-${number}`, segmentBy: 'hardwareId' },
    audience: { kind: 'everyone' },
    waves: defaultWaves().map((wave, index) => (index === 0 ? { ...wave, bakeMs: hours(ringBakeHours) } : wave)),
    gates: defaultGates(),
    ...{ onSegmentHalt: 'exclude-segment', onHalt: 'stay', permitLifeMs: HOUR_MS },
  };
}

/** A document under any text, signed by whom one likes. */
export function sealed(payloadType: string, payload: string, signers: readonly Signer[]): Envelope {
  const message = preAuthenticationEncoding(payloadType, payload);
  return { payloadType, payload, signatures: signers.map((one) => one.sign(message)) };
}

/** A release with something changed, signed by these. */
export function releaseSealed(manifest: ReleaseManifest, signers: readonly Signer[]): Envelope {
  return sealed(RELEASE_MANIFEST_TYPE, encodeManifest(manifest), signers);
}

/** Minutes, for those who wait less than an hour. */
export const MINUTES = (count: number): number => count * MINUTE_MS;

// SPDX-License-Identifier: Apache-2.0
import type { CheckInAnswer, Offer } from '@outrider/domain/gateway/check-in';
import type { PublishedRelease, ReleaseManifest } from '@outrider/domain/release/release';
import { encodeManifest } from '@outrider/protocol/release/manifest';
import { type Attack, mustHold } from './attack.ts';
import { type Published, releaseSealed, type Scene, sealed } from './scene.ts';

/** Attacks on what is offered: another release, other bytes, other signatures. */
export const ATTACKS_ON_RELEASES: readonly Attack[] = [
  {
    name: 'arbitrary software',
    play: refusedOffer('release-unsigned', (offer, scene) => ({
      ...offer,
      release: releaseSealed(newerOf(scene).manifest, [scene.stage.stranger, scene.stage.stranger]),
    })),
  },
  {
    name: 'threshold not met',
    play: refusedOffer('release-unsigned', (offer, scene) => ({
      ...offer,
      release: releaseSealed(newerOf(scene).manifest, [signersOf(scene).build]),
    })),
  },
  {
    name: 'duplicate signatures by one key',
    play: refusedOffer('release-unsigned', (offer, scene) => {
      const { build } = signersOf(scene);
      return { ...offer, release: releaseSealed(newerOf(scene).manifest, [build, build, build]) };
    }),
  },
  {
    name: 'non-canonical JSON',
    play: refusedOffer('release-malformed', (offer, scene) => {
      const { build, releaseEngineering } = signersOf(scene);
      const payload = ` ${encodeManifest(newerOf(scene).manifest)}`;
      return { ...offer, release: sealed(offer.release.payloadType, payload, [build, releaseEngineering]) };
    }),
  },
  {
    name: 'mix-and-match',
    play: refusedOffer('release-differs', (offer, scene) => ({ ...offer, release: latestOf(scene).envelope })),
  },
  {
    name: 'mixed bundles',
    play: refusedOffer('artifact-mismatch', (offer, scene) => {
      const image = latestOf(scene).manifest.components[0]?.image;
      if (image === undefined) return offer;
      const artifact = { kind: 'full', digest: image.digest, bytes: image.bytes } as const;
      return { ...offer, artifacts: [{ component: 'main', artifact }] };
    }),
  },
  { name: 'partial bundle', play: refusedOffer('artifact-mismatch', (offer) => ({ ...offer, artifacts: [] })) },
  {
    name: 'extraneous dependencies',
    play: refusedOffer('artifact-mismatch', (offer) => {
      const [first] = offer.artifacts;
      return first === undefined ? offer : { ...offer, artifacts: [first, { ...first, component: 'miner' }] };
    }),
  },
  {
    name: "wrong software: another model's image",
    async play(scene) {
      const type = await refusedOffer('device-type-mismatch', (offer) => ({
        ...offer,
        release: signedAnew(scene, { deviceType: 'truck' }),
      }))(scene);
      // The first refusal is told once; the device asks anew for the next.
      const components = newerOf(scene).manifest.components.map((one) => ({ ...one, hardwareIds: ['rev-z'] }));
      const hardware = await refusedOffer('hardware-mismatch', (offer) => ({
        ...offer,
        release: signedAnew(scene, { components }),
      }))(scene);
      return `${type}, ${hardware}`;
    },
  },
  {
    name: 'rollback',
    async play(scene) {
      await scene.recovers();
      const [factory] = scene.releases;
      mustHold(factory !== undefined, 'The release that the device left the factory with');
      scene.wire.checkIn = (answer) => oldOffer(answer, factory, scene);
      const reason = await reasonOf(scene, 'counter-too-low', '1.1.0');
      mustHold(scene.state().version === '1.1.0', `The device went back to ${scene.state().version}`);
      return reason;
    },
  },
  {
    name: 'rollback by the twin of a release that it never ran',
    play: refusedOffer('rollback-not-needed', (offer, scene) => {
      const twin = latestOf(scene).manifest.rollbackTwin;
      const image = twin?.components[0]?.image;
      if (twin === undefined || image === undefined) return offer;
      const artifacts = [
        { component: 'main', artifact: { kind: 'full', digest: image.digest, bytes: image.bytes } as const },
      ];
      return { ...offer, release: latestOf(scene).envelope, releaseId: twin.releaseId, isRollback: true, artifacts };
    }),
  },
  {
    name: 'fast-forward',
    async play(scene) {
      const forged = { ...newerOf(scene).manifest, releaseCounter: Number.MAX_SAFE_INTEGER as never };
      scene.wire.checkIn = (answer) =>
        answer.kind === 'offer'
          ? { ...answer, release: releaseSealed(forged, [scene.stage.permitSigner, scene.stage.stranger]) }
          : answer;
      const reason = await scene.refusedFor('release-unsigned');
      await scene.recovers();
      return `${reason}; the true counter is taken after it`;
    },
  },
  {
    name: 'replayed offer',
    async play(scene) {
      let recorded: Offer | undefined;
      scene.wire.checkIn = (answer) => {
        if (answer.kind === 'offer') recorded ??= answer;
        return answer;
      };
      await scene.wait(0);
      await playUntil(scene, '1.1.0');
      mustHold(recorded !== undefined, 'An offer was recorded');
      scene.wire.checkIn = () => recorded as Offer;
      return reasonOf(scene, 'already-running', '1.1.0');
    },
  },
];

/** Changes each offer, waits for the device's refusal by this name, then lets go and sees the honest release taken. */
function refusedOffer(code: string, change: (offer: Offer, scene: Scene) => Offer): Attack['play'] {
  return async (scene) => {
    scene.wire.checkIn = (answer) => (answer.kind === 'offer' ? change(answer, scene) : answer);
    const reason = await scene.refusedFor(code);
    if (code !== 'device-type-mismatch') await scene.recovers();
    return reason;
  };
}

/** An offer of what the device had before, made out of whatever the server answers. */
function oldOffer(answer: CheckInAnswer, { manifest, envelope }: Published, { plan }: Scene): Offer {
  const image = manifest.components[0]?.image;
  mustHold(image !== undefined, 'An image to go back to');
  const artifact = { kind: 'full', digest: image.digest, bytes: image.bytes } as const;
  return {
    ...{ kind: 'offer', rolloutId: plan.rolloutId, releaseId: manifest.releaseId, epoch: 1 as Offer['epoch'] },
    ...{ release: envelope, isRollback: false, artifacts: [{ component: 'main', artifact }] },
    pollAfterMs: answer.pollAfterMs,
  };
}

/** Waits until the device gives this reason while it runs this version. */
export async function reasonOf(scene: Scene, code: string, version: string): Promise<string> {
  for (let hour = 0; hour < HOURS_MAX; hour++) {
    await scene.wait(HOUR);
    const { reason, version: runs } = scene.state();
    mustHold(runs === version, `The device runs ${runs}`);
    if (reason.includes(code)) return reason;
  }
  throw new Error(`The device never refused by ${code}: ${JSON.stringify(scene.state())}`);
}

async function playUntil(scene: Scene, version: string): Promise<void> {
  for (let hour = 0; hour < 4 * HOURS_MAX && scene.state().version !== version; hour++) await scene.wait(HOUR);
  mustHold(scene.state().version === version, `The device runs ${scene.state().version}`);
}

const HOUR = 3_600_000;
const HOURS_MAX = 30;

function signedAnew(scene: Scene, change: Partial<ReleaseManifest>): PublishedRelease['envelope'] {
  const { build, releaseEngineering } = signersOf(scene);
  return releaseSealed({ ...newerOf(scene).manifest, ...change }, [build, releaseEngineering]);
}

function signersOf(scene: Scene) {
  return scene.stage.installation.signers;
}

function newerOf({ releases }: Scene): Published {
  const [, newer] = releases;
  mustHold(newer !== undefined, 'A newer release');
  return newer;
}

function latestOf({ releases }: Scene): Published {
  const latest = releases.at(-1);
  mustHold(latest !== undefined, 'A latest release');
  return latest;
}

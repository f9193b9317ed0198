// SPDX-License-Identifier: Apache-2.0
import type { CheckInAnswer, Offer } from '@outrider/domain/gateway/check-in';
import { RELEASE_MANIFEST_TYPE, type ReleaseManifest } from '@outrider/domain/release/release';
import type { Signer } from '@outrider/domain/trust/ports';
import { encodeManifest } from '@outrider/protocol/release/manifest';
import { replaceServerKeys } from '@outrider/simulator/compose';
import { type Attack, mustHold } from './attack.ts';
import { type Published, releaseSealed, type Scene, sealed } from './scene.ts';
import { directed, serveForged } from './thief.ts';

/** Attacks on what is offered: another release, other bytes, other signatures. He who plays them has every key of the server. */
export const ATTACKS_ON_RELEASES: readonly Attack[] = [
  {
    name: 'arbitrary software: a director that names what no image repository does',
    play: refusedOffer('repository-refused', (offer, scene) => {
      const { stranger } = scene.stage;
      const forged = { ...newerOf(scene).manifest, notes: 'mined' };
      return directed(scene, { ...offer, release: releaseSealed(forged, [stranger, stranger]) }, forged.releaseCounter);
    }),
  },
  {
    name: 'arbitrary software: a stolen server that forges the image repository as well',
    play: forgedRelease('repository-refused', { notes: 'mined' }, ({ stage }) => [stage.stranger, stage.permitSigner]),
  },
  {
    name: 'threshold not met: the build system alone signs a release',
    play: forgedRelease('repository-refused', { notes: 'mined' }, (scene) => [signersOf(scene).build]),
  },
  {
    name: 'duplicate signatures by one key',
    play: forgedRelease('repository-refused', { notes: 'mined' }, (scene) => {
      const { build } = signersOf(scene);
      return [build, build, build];
    }),
  },
  {
    name: 'non-canonical JSON, signed by both groups',
    play: forgedRelease('release-malformed', {}, bothGroups, (payload) => ` ${payload}`),
  },
  {
    name: 'mix-and-match',
    play: refusedOffer('repository-refused', (offer, scene) => {
      const { envelope, manifest } = latestOf(scene);
      return directed(scene, { ...offer, release: envelope }, manifest.releaseCounter);
    }),
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
    play: forgedRelease('device-type-mismatch', { deviceType: 'truck' }, bothGroups),
  },
  {
    name: "wrong software: another revision's image",
    async play(scene) {
      const components = newerOf(scene).manifest.components.map((one) => ({ ...one, hardwareIds: ['rev-z'] }));
      return forgedRelease('hardware-mismatch', { components }, bothGroups)(scene);
    },
  },
  {
    name: 'rollback',
    async play(scene) {
      await scene.recovers();
      const [factory] = scene.releases;
      mustHold(factory !== undefined, 'The release that the device left the factory with');
      scene.wire.checkIn = (answer) =>
        directed(scene, oldOffer(answer, factory, scene), factory.manifest.releaseCounter);
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
      const back = {
        ...offer,
        release: latestOf(scene).envelope,
        releaseId: twin.releaseId,
        isRollback: true,
        artifacts,
      };
      return directed(scene, back, twin.releaseCounter);
    }),
  },
  {
    name: 'fast-forward of a release counter',
    play: forgedRelease('repository-refused', { releaseCounter: Number.MAX_SAFE_INTEGER as never }, ({ stage }) => [
      stage.permitSigner,
      stage.stranger,
    ]),
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
      return reasonOf(scene, /already-running|repository-refused/, '1.1.0');
    },
  },
  {
    name: 'fast-forward of a whole repository by stolen online keys, and the recovery by the root',
    async play(scene) {
      await forgedRelease('repository-refused', { notes: 'mined' }, (one) => [signersOf(one).build])(scene);
      scene.wire.letGo();
      // What the thief signed lies above all that the honest server has: the device stands still, on what it runs.
      for (let hour = 0; hour < HOURS_MAX; hour++) await scene.wait(HOUR);
      mustHold(scene.state().version === '1.0.0', `The device runs ${scene.state().version}`);
      const { installation } = scene.stage;
      await replaceServerKeys(installation.dataFolder, installation.house, scene.now());
      await scene.recovers();
      return 'held up, and taken on by a root with new keys of the server';
    },
  },
];

/** Changes each offer, waits for the device's refusal by this name, then lets go and sees the honest release taken. */
function refusedOffer(code: string, change: (offer: Offer, scene: Scene) => Offer | Promise<Offer>): Attack['play'] {
  return async (scene) => {
    scene.wire.checkIn = (answer) => (answer.kind === 'offer' ? change(answer, scene) : answer);
    const reason = await scene.refusedFor(code);
    await scene.recovers();
    return reason;
  };
}

/**
 * The newer release with something changed, named by a forged image repository that these sign, and offered with the director's word. Whoever
 * served such documents to a device has wound it forward: what it takes to go on is another attack's row.
 */
function forgedRelease(
  code: string,
  change: Partial<ReleaseManifest>,
  ...[signersIn, write = (payload: string) => payload]: readonly [
    (scene: Scene) => readonly Signer[],
    ((payload: string) => string)?,
  ]
): Attack['play'] {
  return async (scene) => {
    const manifest = { ...newerOf(scene).manifest, ...change };
    const release = sealed(RELEASE_MANIFEST_TYPE, write(encodeManifest(manifest)), signersIn(scene));
    const { releaseId } = newerOf(scene).manifest;
    const counter = manifest.releaseCounter;
    await serveForged(scene, { releaseId, release }, { counter, signers: signersIn(scene) });
    scene.wire.checkIn = (answer) =>
      answer.kind === 'offer' ? directed(scene, { ...answer, releaseId, release }, counter) : answer;
    return scene.refusedFor(code);
  };
}

function bothGroups(scene: Scene): readonly Signer[] {
  const { build, releaseEngineering } = signersOf(scene);
  return [build, releaseEngineering];
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
export async function reasonOf(scene: Scene, code: string | RegExp, version: string): Promise<string> {
  for (let hour = 0; hour < HOURS_MAX; hour++) {
    await scene.wait(HOUR);
    const { reason, version: runs } = scene.state();
    mustHold(runs === version, `The device runs ${runs}`);
    if (typeof code === 'string' ? reason.includes(code) : code.test(reason)) return reason;
  }
  throw new Error(`The device never refused by ${code}: ${JSON.stringify(scene.state())}`);
}

async function playUntil(scene: Scene, version: string): Promise<void> {
  for (let hour = 0; hour < 4 * HOURS_MAX && scene.state().version !== version; hour++) await scene.wait(HOUR);
  mustHold(scene.state().version === version, `The device runs ${scene.state().version}`);
}

const HOUR = 3_600_000;
const HOURS_MAX = 30;

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

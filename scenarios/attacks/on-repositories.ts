// SPDX-License-Identifier: Apache-2.0
import { metadataDigest } from '@outrider/adapters/shared/metadata-keys';
import { signMetadata } from '@outrider/adapters/shared/metadata-repository';
import type { Offer } from '@outrider/domain/gateway/check-in';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { after, DAY_MS, HOUR_MS } from '@outrider/domain/kernel/time';
import { releaseTarget, targetPath } from '@outrider/domain/release/release-targets';
import type { TargetsMetadata } from '@outrider/domain/trust/tuf/metadata';
import { type Attack, mustHold } from './attack.ts';
import { releaseSealed, type Scene } from './scene.ts';

/** Attacks on the two repositories, and on the answer that there is nothing. */
export const ATTACKS_ON_REPOSITORIES: readonly Attack[] = [
  {
    name: 'freeze of the empty answer',
    needsRepositories: true,
    async play(scene) {
      freeze(scene, '/repo/director/');
      scene.wire.checkIn = ({ pollAfterMs }) => ({ kind: 'refusal', code: 'no-rollout', pollAfterMs });
      const reason = await scene.refusedFor('answer-malformed');
      await scene.recovers();
      return `${reason}: the word to the fleet is older than an hour, and nothing is believed`;
    },
  },
  {
    name: 'freeze of the image repository, and expired metadata',
    needsRepositories: true,
    async play(scene) {
      freeze(scene, '/repo/image/');
      withholdPermits(scene);
      const reason = await refusedOverDays(scene, 9);
      await scene.recovers();
      return reason;
    },
  },
  {
    name: 'indefinite freeze by a director replay',
    needsRepositories: true,
    async play(scene) {
      let recorded: Offer | undefined;
      scene.wire.checkIn = (answer) => {
        if (answer.kind === 'offer') recorded ??= answer;
        return recorded ?? answer;
      };
      withholdPermits(scene);
      const reason = await refusedOverDays(scene, 3);
      mustHold(recorded !== undefined, 'An offer was recorded');
      await scene.recovers();
      return `${reason}: the director's word for the device is older than a day`;
    },
  },
  {
    name: 'rollback of metadata',
    needsRepositories: true,
    async play(scene) {
      let old: string | undefined;
      let isSeen = false;
      scene.wire.repo = (path, text) => {
        if (path !== '/repo/director/timestamp.json') return text;
        old ??= text;
        if (text === old) return text;
        const isFirst = !isSeen;
        isSeen = true;
        // It takes the newer one, and is then given the one of before.
        return isFirst ? text : old;
      };
      withholdPermits(scene);
      let seen = '';
      for (let hour = 0; hour < 60 && !/repository-refused|answer-malformed/.test(seen); hour++) {
        await scene.wait(HOUR_MS);
        seen = scene.state().reason;
      }
      mustHold(/repository-refused|answer-malformed/.test(seen), `The device said ${seen}`);
      await scene.recovers();
      return seen;
    },
  },
  {
    name: 'key compromise: the online keys of the director name software of their own',
    needsRepositories: true,
    play: directed((offer, scene) => {
      const newer = scene.releases[1]?.manifest;
      mustHold(newer !== undefined, 'A release to imitate');
      const release = releaseSealed({ ...newer, notes: 'forged' }, [scene.stage.permitSigner, scene.stage.stranger]);
      return { offer: { ...offer, release }, deviceId: scene.deviceId };
    }),
  },
  {
    name: 'an offer for another device',
    needsRepositories: true,
    play: directed((offer) => ({ offer, deviceId: 'camera-other' as DeviceId })),
  },
  {
    name: 'endless metadata',
    needsRepositories: true,
    async play(scene) {
      scene.wire.repo = (path, text) => (path.endsWith('timestamp.json') ? `{"x":"${'y'.repeat(8_000_000)}"}` : text);
      const reason = await scene.refusedFor('repository-refused');
      mustHold(scene.state().version === '1.0.0', `The device runs ${scene.state().version}`);
      await scene.recovers();
      return reason;
    },
  },
];

/** Serves what was served first, for good. */
function freeze({ wire }: Scene, prefix: string): void {
  const first = new Map<string, string>();
  wire.repo = (path, text) => {
    if (!path.startsWith(prefix)) return text;
    const kept = first.get(path) ?? text;
    first.set(path, kept);
    return kept;
  };
}

/** So that the device has the offer and not the leave, while its documents grow old. */
function withholdPermits({ wire }: Scene): void {
  wire.permit = () => ({ kind: 'not-yet', code: 'store-away', askAfterMs: HOUR_MS });
}

async function refusedOverDays(scene: Scene, days: number): Promise<string> {
  for (let hour = 0; hour * HOUR_MS < days * DAY_MS; hour += 2) {
    await scene.wait(2 * HOUR_MS);
    const { version, reason } = scene.state();
    mustHold(version === '1.0.0', `The device runs ${version}`);
    if (/repository-refused|answer-malformed/.test(reason)) return reason;
  }
  throw new Error(`The device was content with old documents: ${JSON.stringify(scene.state())}`);
}

/** The stolen key of the director signs its word anew for what the thief offers. */
function directed(
  forge: (offer: Offer, scene: Scene) => { readonly offer: Offer; readonly deviceId: DeviceId },
): Attack['play'] {
  return async (scene) => {
    const { repositories } = scene.stage;
    mustHold(repositories !== undefined, 'Repositories on this stage');
    scene.wire.checkIn = async (answer) => {
      if (answer.kind !== 'offer') return answer;
      const { offer, deviceId } = forge(answer, scene);
      const claim = {
        releaseCounter: scene.releases[1]?.manifest.releaseCounter ?? (0 as never),
        hardwareIds: ['rev-a'],
      };
      const file = releaseTarget(offer.release.payload, claim, metadataDigest);
      const targets: TargetsMetadata = {
        type: 'targets',
        version: Math.floor(scene.now() / 1_000) + 1_000_000,
        expiresAt: after(scene.now(), DAY_MS),
        targets: new Map([[targetPath(scene.deviceType, offer.releaseId), file]]),
        deviceId,
      };
      return { ...offer, director: await signMetadata(targets, [repositories.director]) };
    };
    const reason = await scene.refusedFor('repository-refused');
    scene.wire.letGo();
    return reason;
  };
}

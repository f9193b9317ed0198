// SPDX-License-Identifier: Apache-2.0
import type { Offer } from '@outrider/domain/gateway/check-in';
import type { PermitAnswer } from '@outrider/domain/gateway/permit';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { HOUR_MS, MINUTE_MS } from '@outrider/domain/kernel/time';
import { parsePermitDocument, parsePermitRequest } from '@outrider/protocol/gateway/permit';
import { type Attack, mustHold } from './attack.ts';
import type { Scene } from './scene.ts';

/** Attacks on the leave to install. */
export const ATTACKS_ON_PERMITS: readonly Attack[] = [
  {
    name: 'an offer for another device: its permit',
    play: (scene) =>
      forged(scene, 'permit-for-another', (offer, sequence) =>
        scene.permitFor(offer, { deviceId: 'camera-other' as DeviceId }, sequence),
      ),
  },
  {
    name: 'key compromise: the permit key alone cannot sign for another release',
    play: (scene) =>
      forged(scene, 'permit-for-another', (offer, sequence) =>
        scene.permitFor(offer, { releaseCounter: 99 as never }, sequence),
      ),
  },
  {
    name: 'a permit used twice',
    async play(scene) {
      let recorded: PermitAnswer | undefined;
      // The first is kept back, as if it were lost on the way, and given when the device asks again.
      scene.wire.permit = (answer) => {
        if (recorded === undefined && answer.kind === 'permit') {
          recorded = answer;
          return { kind: 'not-yet', code: 'store-away', askAfterMs: HOUR_MS };
        }
        return recorded ?? answer;
      };
      const reason = await scene.refusedFor('permit-replayed');
      await scene.recovers();
      return reason;
    },
  },
  {
    name: 'a permit used too late',
    async play(scene) {
      // It is permitted, and then its clock stands still at a power cut until the life of the permit is over.
      let given = 0;
      scene.wire.permit = (answer) => {
        if (answer.kind !== 'permit') return answer;
        given++;
        const document = parsePermitDocument(answer.permit.payload);
        mustHold(document.ok, 'A permit that can be read');
        const short = { ...document.value, lifeMs: 0 as never };
        return given === 1
          ? { kind: 'permit', permit: scene.permitFor(offerOf(scene), short, document.value.sequence ?? 0) }
          : answer;
      };
      watchOffers(scene);
      const reason = await scene.refusedFor('permit-expired');
      await scene.recovers();
      return reason;
    },
  },
  {
    name: 'a permit after a pause',
    async play(scene) {
      const { management } = scene.stage;
      let recorded: PermitAnswer | undefined;
      scene.wire.permit = (answer) => {
        if (answer.kind === 'permit') recorded ??= answer;
        return recorded === undefined ? answer : { kind: 'not-yet', code: 'store-away', askAfterMs: HOUR_MS };
      };
      for (let hour = 0; hour < 30 && recorded === undefined; hour++) await scene.wait(HOUR_MS);
      mustHold(recorded !== undefined, 'A permit was recorded before the pause');
      await management.changeRollout(scene.plan.rolloutId, 'pause', 'an attack is played');
      const answers: string[] = [];
      scene.wire.permit = (answer) => {
        answers.push(answer.kind === 'permit' ? 'permit' : answer.code);
        return recorded ?? answer;
      };
      const reason = await refusedOrQuiet(scene);
      mustHold(!answers.includes('permit'), 'The server gave a permit after the pause');
      await management.changeRollout(scene.plan.rolloutId, 'resume', 'the attack is over');
      await scene.recovers();
      return `${reason}; the server says ${[...new Set(answers)].join(' ') || 'nothing: no offer, no question'}`;
    },
  },
];

let lastOffer: Offer | undefined;

/** Keeps the offer that the device acts upon. */
export function watchOffers(scene: Scene): void {
  scene.wire.checkIn = (answer) => {
    if (answer.kind === 'offer') lastOffer = answer;
    return answer;
  };
}

/** The offer kept last. */
export function offerOf(_scene: Scene): Offer {
  mustHold(lastOffer !== undefined, 'An offer went to the device');
  return lastOffer;
}

/** Answers each permit request by a permit that the stolen key has signed, and waits for this refusal. */
export async function forged(
  scene: Scene,
  code: string,
  permit: (offer: Offer, sequence: number) => ReturnType<Scene['permitFor']>,
): Promise<string> {
  watchOffers(scene);
  scene.wire.permit = (_answer, { body }) => {
    const request = parsePermitRequest(body);
    mustHold(request.ok, 'A permit request that can be read');
    return { kind: 'permit', permit: permit(offerOf(scene), request.value.sequence) };
  };
  const reason = await scene.refusedFor(code);
  const told = await scene.told();
  mustHold(
    told.some((one) => one.event === 'refused' && one.detail.startsWith(code)),
    `The device did not report ${code}: ${told.map((one) => one.detail).join('; ')}`,
  );
  await scene.recovers();
  return `${reason}, reported`;
}

/** After a pause the device is either answered no offer, or refuses the recorded permit. */
async function refusedOrQuiet(scene: Scene): Promise<string> {
  for (let round = 0; round < 40; round++) {
    await scene.wait(30 * MINUTE_MS);
    const { version, reason } = scene.state();
    mustHold(version === '1.0.0', `The device runs ${version}`);
    if (/permit-replayed|rollout-not-running|permit-for-another/.test(reason)) return reason;
  }
  throw new Error(`Neither refused nor quiet: ${JSON.stringify(scene.state())}`);
}

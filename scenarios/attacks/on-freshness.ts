// SPDX-License-Identifier: Apache-2.0
import type { CheckInAnswer } from '@outrider/domain/gateway/check-in';
import { present } from '@outrider/domain/kernel/assert';
import { durationMs, HOUR_MS } from '@outrider/domain/kernel/time';
import type { Attack } from './attack.ts';
import type { Scene } from './scene.ts';

/** What was true once, shown for ever: nothing in it is forged, and every signature is good. */
export const ATTACKS_ON_FRESHNESS: readonly Attack[] = [
  {
    name: 'freeze: the image repository is held back',
    play: (scene) => frozen(scene, 'image', { code: 'repository-refused' }),
  },
  {
    name: 'freeze: the director is held back',
    play: (scene) => frozen(scene, 'director', { code: 'repository-refused' }),
  },
  {
    name: 'freeze: the empty answer',
    isOutsideRing: true,
    ringBakeHours: 44,
    async play(scene) {
      const told: CheckInAnswer[] = [];
      scene.wire.checkIn = (answer) => {
        told.push(answer);
        return answer;
      };
      for (let hour = 0; hour < HOURS_MAX && told.length === 0; hour++) await scene.wait(HOUR_MS);
      const empty = present(
        told.find(({ kind }) => kind !== 'offer'),
        'an answer from before there was an offer',
      );
      // For a device that is no answer at all: the word to the fleet that goes with it has expired.
      return frozen(scene, 'director', { code: 'answer-malformed', answerFor: () => empty });
    },
  },
  {
    name: 'indefinite freeze by a director replay',
    async play(scene) {
      const told: CheckInAnswer[] = [];
      scene.wire.permit = () => ({ kind: 'not-yet', code: 'cap-full', askAfterMs: durationMs(HOUR_MS) });
      scene.wire.checkIn = (answer) => {
        if (answer.kind === 'offer') told.push(answer);
        return answer;
      };
      for (let hour = 0; hour < HOURS_MAX && told.length < 2; hour++) await scene.wait(HOUR_MS);
      const first = present(told[0], 'an offer with an earlier word of the director');
      present(told[1], 'an offer with a later word of the director');
      scene.wire.checkIn = () => first;
      const reason = await scene.refusedFor('repository-refused');
      await scene.recovers();
      return reason;
    },
  },
];

const HOURS_MAX = 30;
/** Past the life of every word that a server signs by itself. */
const DAYS_HELD = 8;

/**
 * Shows the device the timestamp of one repository as it is now, for ever. Until it has run out its check-ins are answered as the thief
 * likes, or not at all: it would install the very release that is honest still. The device must say that it is being held back, and
 * go on when nobody does so any more.
 */
async function frozen(
  scene: Scene,
  folder: 'image' | 'director',
  { code, answerFor }: { readonly code: string; readonly answerFor?: (answer: CheckInAnswer) => CheckInAnswer },
): Promise<string> {
  const name = `${folder}/timestamp.json`;
  const response = await fetch(`${scene.stage.installation.url}/repo/${name}`);
  const held = await response.text();
  scene.wire.document = (asked) => (asked === name ? held : undefined);
  if (answerFor === undefined) scene.wire.isHeld = (path) => path === '/v1/check-in';
  else scene.wire.checkIn = answerFor;
  for (let half = 0; half < 2 * DAYS_HELD; half++) await scene.wait(12 * HOUR_MS);
  scene.wire.isHeld = () => false;
  const reason = await scene.refusedFor(code);
  await scene.recovers();
  return reason;
}

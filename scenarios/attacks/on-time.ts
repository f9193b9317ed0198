// SPDX-License-Identifier: Apache-2.0
import { HOUR_MS } from '@outrider/domain/kernel/time';
import { type Attack, mustHold } from './attack.ts';

/** Clocks that are wrong. */
export const ATTACKS_ON_TIME: readonly Attack[] = [
  {
    name: 'a clock at 1970',
    clock: '1970',
    async play(scene) {
      await scene.recovers();
      const { timeFloor = 0 } = await scene.journal();
      mustHold(timeFloor > 1_500_000_000_000, `The floor of time is ${timeFloor}`);
      return 'takes the honest release, and knows since when it was signed';
    },
  },
  {
    name: 'a clock at 1970, and a wave that has not come',
    clock: '1970',
    isOutsideRing: true,
    ringBakeHours: 44,
    async play(scene) {
      for (let hour = 0; hour < 40; hour++) await scene.wait(HOUR_MS);
      mustHold(scene.state().version === '1.0.0', `The device runs ${scene.state().version}`);
      await scene.recovers();
      return 'waits until the server and the charter say that it has';
    },
  },
  {
    name: 'a clock in the future, and expired metadata',
    clock: 'future',
    async play(scene) {
      const reason = await scene.refusedFor('repository-refused');
      await scene.setClock('right');
      await scene.wait(HOUR_MS);
      await scene.recovers();
      return `${reason}; set right, it goes on`;
    },
  },
];

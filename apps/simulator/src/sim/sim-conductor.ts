// SPDX-License-Identifier: Apache-2.0
import type { SteppedClock } from '@outrider/adapters/shared/clock';
import { after } from '@outrider/domain/kernel/time';
import type { Turns } from '@outrider/testkit/turns';
import type { Fleet } from '../fleet/fleet.ts';
import { type Conductor, STEP_MS } from '../play/stage.ts';
import type { Carrier } from './carrier.ts';
import type { Weather } from './faults/weather.ts';
import type { Gateways } from './gateways.ts';
import type { Operator } from './operator.ts';
import type { Watch } from './oracles/watch.ts';

/** Everything that has its part in a step. */
export interface SimStage {
  readonly clock: SteppedClock;
  readonly turns: Turns;
  readonly weather: Weather;
  readonly gateways: Gateways;
  readonly carrier: Carrier;
  readonly fleet: Fleet;
  readonly operator: Operator;
  readonly watch: Watch;
}

/** A second round of counting and deciding, in the midst of a step's traffic. */
const SECOND_ROUND_MEAN_MS = 500;
/** Each round of deciding costs a millisecond or two: with all servers in each step, it would be most of a run. */
const ALL_DECIDE_EVERY = 5;

/**
 * Plays a simulation step by step. The servers read first and one of them decides, as they do each minute; then devices, people, late
 * messages, kills and another round of deciding come at once, in the order of the turns.
 */
export function createSimConductor(stage: SimStage): Conductor {
  const { clock, turns, weather, gateways, carrier, fleet, operator, watch } = stage;

  async function killed(): Promise<void> {
    await Promise.all(
      weather.beginning('kill').map(async (fault) => {
        await turns.wait(fault.afterMs);
        gateways.kill(fault.gateway);
      }),
    );
  }

  function restart(): void {
    const down = new Set(weather.active('kill').map((fault) => fault.gateway));
    for (let index = 0; index < gateways.count; index++) if (!down.has(index)) gateways.restart(index);
  }

  async function decideAgain(): Promise<void> {
    await turns.waitAbout(SECOND_ROUND_MEAN_MS);
    await gateways.each((server) => server.drain());
  }

  /** One after the other decides, so that each takes over from another all the time; now and then all do at once. */
  function isDeciding(index: number): boolean {
    return weather.step % ALL_DECIDE_EVERY === 0 || weather.step % gateways.count === index;
  }

  return {
    async step() {
      const now = after(clock.now(), STEP_MS);
      // Machine time goes on in the ten minutes between two steps as well: nothing that was fresh is so any more.
      turns.jump(STEP_MS);
      weather.enter(weather.step + 1, turns.clock.now());
      restart();
      clock.stepTo(now);
      await gateways.each((server, index) => {
        return isDeciding(index) ? server.step(now) : server.queries.listRollouts();
      });
      await Promise.all([
        fleet.wakeDue(now),
        operator.act(),
        carrier.deliverLate(weather.step),
        killed(),
        // Pauses, kills and outages are hardest while somebody decides.
        weather.isCalm() || weather.step % ALL_DECIDE_EVERY !== 1 ? undefined : decideAgain(),
      ]);
      watch.check();
      return now;
    },
    requests: () => gateways.answeredCount(),
  };
}

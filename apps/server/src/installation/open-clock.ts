// SPDX-License-Identifier: Apache-2.0
import { steppedClock } from '@outrider/adapters/shared/clock';
import { guardedClock } from '@outrider/adapters/shared/guarded-clock';
import type { FleetClock, MachineClock } from '@outrider/domain/kernel/clock';
import type { ClockHold } from '@outrider/domain/kernel/clock-guard';
import { loadFleetTime } from '../compose.ts';
import type { Log, ServerPorts } from '../ports.ts';
import { loadStoredClock } from './clock-care.ts';
import type { Database } from './database.ts';
import type { Flags } from './flags.ts';

/** The wall clock behind its guard, or a clock that goes on from where the conductor had stopped it. */
export async function openClock(
  { clock }: Pick<Flags, 'clock'>,
  { store: { installation } }: Database,
  { machineClock, log, wall }: { readonly machineClock: MachineClock; readonly log: Log; readonly wall: FleetClock },
): Promise<Pick<ServerPorts, 'fleetClock' | 'clockWatch' | 'conductor'>> {
  if (clock === 'conducted') {
    const stepped = steppedClock((await loadFleetTime(installation)) ?? wall.now());
    return { fleetClock: stepped, conductor: stepped };
  }
  const stored = await loadStoredClock(installation);
  const guarded = guardedClock({
    wall,
    machine: machineClock,
    ...(stored === undefined ? {} : { stored }),
    onChange: (hold) => tell(hold, log),
  });
  return { fleetClock: guarded, clockWatch: guarded };
}

/** What the wall clock did, and what that means for the fleet. */
const SENTENCES: Readonly<Record<ClockHold['code'], string>> = {
  'clock-jumped': 'The wall clock jumped; fleet time goes on without it and nothing widens until it settles',
  'clock-behind-store': 'The wall clock is behind what is stored; fleet time goes on from there and nothing widens',
  'clock-far-ahead': 'The wall clock is more than thirty days past the last run; nothing widens until it is accepted',
};

function tell(hold: ClockHold | undefined, log: Log): void {
  if (hold === undefined) {
    log.info({ stage: 'server', code: 'clock-settled' }, 'Fleet time follows the wall clock again');
    return;
  }
  const { code, jumpMs, since } = hold;
  log.error({ stage: 'server', code, jumpMs, since }, `${SENTENCES[code]}; see outrider status`);
}

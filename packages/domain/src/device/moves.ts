// SPDX-License-Identifier: Apache-2.0
import { nextState } from '../kernel/table.ts';
import { DEVICE_TABLE, type Transition } from './device-table.ts';
import type { DevicePhase, DeviceState, Journal, Situation, Update } from './state.ts';

/** Moves the device as the table says, with the reason for the new phase; undefined where it says `impossible`. */
export function move(state: DeviceState, transition: Transition, reason = ''): DeviceState | undefined {
  const phase = nextState<DevicePhase, Transition>(DEVICE_TABLE, state.journal.phase, transition);
  if (phase === undefined) return undefined;
  return withJournal(state, { phase, reason: reason.slice(0, REASON_CHARACTERS_MAX) });
}

/** Replaces fields of the durable half; `undefined` takes a field away. */
export function withJournal(state: DeviceState, change: Change<Journal>): DeviceState {
  return { ...state, journal: changed(state.journal, change) };
}

/** Replaces fields of the volatile half. */
export function withSituation(state: DeviceState, change: Partial<Situation>): DeviceState {
  return { ...state, situation: { ...state.situation, ...change } };
}

/** Replaces fields of the update in progress, if there is one. */
export function withUpdate(state: DeviceState, change: Change<Update>): DeviceState {
  const { update } = state.journal;
  return update === undefined ? state : withJournal(state, { update: changed(update, change) });
}

type Change<T> = { readonly [Name in keyof T]?: T[Name] | undefined };

/** A reason is for one line on a page; the whole story is in the report. */
const REASON_CHARACTERS_MAX = 200;

/** Absent and undefined are different things on disk: what becomes undefined is left out. */
function changed<T extends object>(value: T, change: Change<T>): T {
  // Most changes take nothing away; then a copy will do, which is a third of the cost.
  let isTaking = false;
  for (const name in change) if (change[name] === undefined) isTaking = true;
  const entries = isTaking && Object.entries({ ...value, ...change }).filter(([, member]) => member !== undefined);
  // Every member comes from `value` or has the type it has there: this is the constructor.
  return (entries ? Object.fromEntries(entries) : { ...value, ...change }) as T;
}

// SPDX-License-Identifier: Apache-2.0

/**
 * A state machine as one total table: every state has an entry for every event. `'stay'` means the event is known and
 * changes nothing; `'impossible'` means it must not happen there and the caller answers with a named error.
 */
export type Table<State extends string, Event extends string> = Readonly<
  Record<State, Readonly<Record<Event, State | 'stay' | 'impossible'>>>
>;

/** The next state, or `undefined` where the table says `'impossible'`. */
export function nextState<State extends string, Event extends string>(
  table: Table<State, Event>,
  state: State,
  event: Event,
): State | undefined {
  const next: State | 'stay' | 'impossible' = table[state][event];
  if (next === 'impossible') return undefined;
  return next === 'stay' ? state : (next as State);
}

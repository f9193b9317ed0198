// SPDX-License-Identifier: Apache-2.0
import type { Job, Played } from './cells.ts';
import { play } from './play.ts';
import { playRivals } from './play-rivals.ts';
import { worldNamed } from './worlds.ts';

/** Plays one rollout under the rules that the job names. */
export function playJob({ world: name, devices, seed, rules, daysMax }: Job): Played['runs'] {
  const options = { world: worldNamed(name), devices, seed, daysMax };
  return rules === 'ours' ? [['ours', play(options)]] : [...playRivals(options)];
}
